"""The commands that need only one module each."""
