"""Faults: errors of the site by name, and their injection into a `FakeChatGPT`."""
