"""The fetch transport: the client opens a page, and this page sends requests with ``fetch`` from an isolated world."""
