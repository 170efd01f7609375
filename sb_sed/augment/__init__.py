"""Augmentation of spectrograms, and of batches with their labels."""
