"""The HTTP server: the state of the fake site, the endpoints, the playback of steps, and the web pages."""
