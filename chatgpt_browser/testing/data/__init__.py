"""Data types and constants that all parts of the fake server use: requests, conversations, cookies and URL paths."""
