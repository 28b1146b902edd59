"""Faults that a test injects into `FakeChatGPT`."""
