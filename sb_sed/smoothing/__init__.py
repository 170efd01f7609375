"""Smoothing: from scores to events."""
