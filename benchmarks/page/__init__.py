"""Benchmark of messages that the site's own page sends, compared with a Playwright script that operates the same page by hand."""
