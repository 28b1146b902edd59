"""The HTTP server: its state, its endpoints, the playback of steps, and its web pages."""
