"""Audio files: reading, integrity, 16 kHz copies, search."""
