"""Transports, which send a message to the site: by an in-page fetch (``fetch``) or in the site's own page (``site_ui``)."""
