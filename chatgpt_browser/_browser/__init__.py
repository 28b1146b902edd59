"""Chromium: find it, start it or connect to it, talk to it in the DevTools protocol, and close it."""
