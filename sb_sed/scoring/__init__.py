"""Scoring: event-based and segment-based F1 and PSDS of detected events.

Authors
 * sb_sed contributors 2026
"""
