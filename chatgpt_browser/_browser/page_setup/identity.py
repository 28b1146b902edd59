"""The identity that a page presents to servers: its user agent and client hints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._core.javascript import read_script
from ..._protocol.user_agent import override

if TYPE_CHECKING:
    from ..cdp_target import Target

_PACKAGE = __package__ or ""


async def override_identity(target: Target, user_agent: str | None) -> dict[str, Any] | None:
    """Override the page's user agent and client hints, so that they are consistent with each other.

    The page must show a secure document, because Chromium does not provide client hints to other documents.

    :param user_agent: the user agent to present. None: Chromium's own user agent without the word Headless.
    :return: the parameters of ``Emulation.setUserAgentOverride``, or None if no override was necessary.
    """
    params = {"expression": read_identity_script(), "awaitPromise": True, "returnByValue": True}
    found = (await target.send("Runtime.evaluate", params))["result"]["value"]
    change = override(found["userAgent"], found["hints"], user_agent)
    if change is not None:
        await target.send("Emulation.setUserAgentOverride", change)
    return change


def read_identity_script() -> str:
    """Return the script that reads the user agent and the client hints. The file is read only once."""
    return read_script(_PACKAGE, "identity.js")
