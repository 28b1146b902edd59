"""Faults: named errors of the site, which can be injected into a `FakeChatGPT`."""
