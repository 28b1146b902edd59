"""The site's protocol as plain data: requests, responses, events and replies. No browser, no event loop, no clock."""
