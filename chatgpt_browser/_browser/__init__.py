"""Chromium: find it, launch it or connect to it, control its pages through the DevTools protocol, and close it."""
