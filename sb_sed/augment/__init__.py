"""Augmentation of spectrograms."""
