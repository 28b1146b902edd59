"""Input of the commands: the question, standard input and the terminal's settings."""
