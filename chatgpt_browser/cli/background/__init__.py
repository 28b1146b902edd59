"""`chatgpt-browser background`: a browser that stays open between commands."""
