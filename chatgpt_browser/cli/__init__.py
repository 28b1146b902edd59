"""The command line, `chatgpt-browser`. Needs the extra `cli`.

One module for each command, and one for each thing they share: `_exit` (errors become exit codes),
`_client` (a client from the environment, or from what `login` saved), `_store` (which keeps that),
`_consoles` (what goes to which stream), `_events` (the milestones that the library logs).
"""

from __future__ import annotations

from .app import app

__all__ = ("app",)
