"""Tuning of smoothers on the scores of a development set."""
