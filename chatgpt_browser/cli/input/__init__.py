"""Input of the commands: the question, standard input and checks of their text."""
