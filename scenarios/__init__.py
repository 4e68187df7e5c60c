"""The task library: one folder per task, data only (see README for the format)."""
