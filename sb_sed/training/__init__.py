"""Training: the Brains, adaptation, schedules, logging, checkpoints, recipes."""
