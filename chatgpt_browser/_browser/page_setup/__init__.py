"""Prepares a page before requests are sent from it: identity, session cookies, navigation and challenges."""
