"""The site's protocol as plain data: requests, responses, events and replies. It uses no browser, no event loop and no clock."""
