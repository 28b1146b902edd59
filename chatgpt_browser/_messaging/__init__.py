"""One message from the queue to its reply: access token, retries, deadline, hand-off, stream."""
