"""The fetch transport: requests that a page of the client sends with ``fetch`` from an isolated world."""
