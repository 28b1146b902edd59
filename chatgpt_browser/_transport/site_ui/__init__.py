"""The site-page transport: the site's own page sends the message; its response is read over the DevTools protocol."""
