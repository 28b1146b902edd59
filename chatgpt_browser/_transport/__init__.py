"""Transports, which send messages to the site.

The package ``fetch`` sends messages with ``fetch`` from the client's own page. The package ``site_ui`` uses the site's own page.
"""
