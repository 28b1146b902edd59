"""`chatgpt-browser smoke`: a test of one real round trip, for continuous integration."""
