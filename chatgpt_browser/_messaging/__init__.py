"""Sends a message and receives its reply: permits, access token, transport, retries, deadline, hand-off, reply stream."""
