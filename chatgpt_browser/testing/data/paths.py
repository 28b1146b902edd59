"""URL paths of the site that several parts of the fake server use."""

MESSAGE_PATH = "/backend-api/conversation"
#: The path to which the page of the web application sends messages.
PAGE_MESSAGE_PATH = "/backend-api/f/conversation"
SESSION_PATH = "/api/auth/session"
#: A challenge page sends requests whose paths begin with this text.
CHALLENGE_PREFIX = "/cdn-cgi/challenge-platform/"
