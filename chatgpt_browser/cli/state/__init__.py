"""What the commands keep between runs: the data folder and the last conversation."""
