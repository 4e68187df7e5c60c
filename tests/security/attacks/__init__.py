"""Sources of attacks, and the small table of them that is also run as another user."""
