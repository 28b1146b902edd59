"""`chatgpt-browser smoke`: one round trip for continuous integration."""
