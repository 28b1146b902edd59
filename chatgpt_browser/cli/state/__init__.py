"""Files that are kept between runs: the session token, the browser profile, the last conversation and the chat history."""
