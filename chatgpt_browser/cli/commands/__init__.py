"""The commands that consist of one module each."""
