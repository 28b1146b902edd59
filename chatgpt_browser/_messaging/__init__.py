"""Sends messages to the site, and receives their replies."""
