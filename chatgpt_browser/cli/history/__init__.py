"""`chatgpt-browser history`: list, show, export, rename and delete conversations."""
