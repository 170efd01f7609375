"""Training: Brains, the EMA teacher, schedules."""
