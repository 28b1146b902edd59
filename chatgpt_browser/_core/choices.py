"""The types of two client options, and the name of an environment variable.

They are in a module without other imports, so that the command line can use them before it imports the rest of the package.
"""

from __future__ import annotations

from typing import Literal

#: How messages are sent. "fetch": always with a fetch request. "page": always through the site's own page. "auto": first with
#: fetch requests. When the site responds that it accepts messages only from its own page, messages are sent through this page.
SendVia = Literal["auto", "fetch", "page"]
#: The browser context that the client uses. "own": the client creates a new context. "default": the client uses the context and
#: the session of the browser's user.
BrowserContextKind = Literal["own", "default"]
#: The environment variable for the option ``messages_per_hour``. The option takes precedence.
MESSAGES_PER_HOUR = "CHATGPT_MESSAGES_PER_HOUR"
