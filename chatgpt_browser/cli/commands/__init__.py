"""The commands that need a single module each."""
