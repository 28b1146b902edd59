"""The site's protocol as plain data: requests, responses, events, replies. This package uses no browser, event loop or clock."""
