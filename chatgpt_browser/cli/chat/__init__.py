"""`chatgpt-browser chat`: a conversation in the terminal."""
