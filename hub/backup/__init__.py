"""A hub's state in one file, and a hub from it."""
