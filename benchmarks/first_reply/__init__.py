"""How long a new process takes to its first reply, beside the bare minimum that Playwright needs."""
