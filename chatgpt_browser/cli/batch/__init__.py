"""`chatgpt-browser batch`: send many prompts from a file."""
