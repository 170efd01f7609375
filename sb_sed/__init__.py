"""sb_sed: sound event detection as a plug-in of SpeechBrain and Asteroid."""

__version__ = "0.1.0"
