"""The HTTP server of `FakeChatGPT`: routes, state, sessions, challenges, the site's own page."""
