"""Faults: named errors of the site that a test can inject into a `FakeChatGPT`."""
