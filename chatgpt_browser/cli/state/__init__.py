"""The files that stay on disk between runs: session token, browser profile, last conversation, list of ids and chat history."""
