"""The `deepgym` command."""
