"""URL paths of the site that several parts of the fake server refer to."""

MESSAGE_PATH = "/backend-api/conversation"
SESSION_PATH = "/api/auth/session"
#: The start of the paths of a challenge page's own requests.
CHALLENGE_PREFIX = "/cdn-cgi/challenge-platform/"
