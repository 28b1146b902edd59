"""The types of options that accept one of a few texts. The command line needs them, so this module imports nothing else."""

from __future__ import annotations

from typing import Literal

#: How messages are sent. "fetch": always with a fetch request. "page": always through the site's own page. "auto": with a fetch
#: request, until the site refuses a message because its own page did not send the message; after that, always through this page.
SendVia = Literal["auto", "fetch", "page"]
#: The browser context that the client uses. "own": the client creates a new context. "default": the client uses the context and
#: the session of the browser's user.
BrowserContextKind = Literal["own", "default"]
