"""What the commands read: the message, standard input, the keyboard."""
