"""The group `jobs`, and the background process of `ask --detach`."""
