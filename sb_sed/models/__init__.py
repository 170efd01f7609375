"""The networks: CRNN, detector and discriminators, and their weights."""
