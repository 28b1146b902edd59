"""Plain data that all parts of the fake server share: requests, conversations, cookies and URL paths."""
