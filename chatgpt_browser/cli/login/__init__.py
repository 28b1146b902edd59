"""`chatgpt-browser login` and `logout`: save, list and remove logins."""
