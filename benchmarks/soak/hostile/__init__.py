"""The hostile soak test: a site, a page and an environment that attack the client at random. See `run.py`."""
