"""Training: Brains, adaptation, schedules, logging, checkpoints, recipes."""
