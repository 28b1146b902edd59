"""The job store: a SQLite file that records jobs, sent messages and rate limits, for all processes of the user."""
