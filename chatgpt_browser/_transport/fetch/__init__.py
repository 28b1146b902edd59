"""The fetch transport: requests that a page of ours sends by `fetch` from an isolated world."""
