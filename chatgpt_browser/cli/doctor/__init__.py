"""`chatgpt-browser doctor`: check the machine, the browser, the site and the session."""
