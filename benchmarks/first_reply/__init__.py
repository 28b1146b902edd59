"""Benchmark of the time from process start to the first reply, compared with a minimal Playwright program."""
