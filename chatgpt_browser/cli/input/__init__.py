"""The input of the commands: the question, standard input, and checks of the text."""
