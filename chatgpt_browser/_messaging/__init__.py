"""One message from the queue to its reply: permits, access token, transport, retries, deadline, hand-off, reply stream."""
