"""Reads the question from the arguments, files and standard input, and checks its text."""
