"""Describes, for `doctor` and `smoke`, whether Chromium may repeat a request by itself, which would send a message twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatgpt_browser._transport.site_ui.connection_log import MULTIPLEXED

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI

_NAMES = {"h2": "HTTP/2", "h3": "HTTP/3", "http/1.1": "HTTP/1.1"}


def describe_repetition(api: ChatGPTAPI, send_via: str) -> tuple[str, bool]:
    """Return the result of :func:`repetition_note` for the protocol that a started client uses."""
    return repetition_note(api._portal.call(api._core._browser_manager.page).protocol, send_via)


def repetition_note(protocol: str, send_via: str) -> tuple[str, bool]:
    """Return one line for the user, and True if Chromium may send a message twice over this protocol, else False."""
    name = _NAMES.get(protocol, "protocol unknown")
    if send_via == "fetch" or protocol not in (*MULTIPLEXED, ""):
        return f"Chromium sends no message twice ({name})", False
    by_fetch = "" if send_via == "page" else "never by fetch; "
    return (
        f"{by_fetch}by the site's page, Chromium may send a message twice if the connection closes without a response ({name})",
        True,
    )
