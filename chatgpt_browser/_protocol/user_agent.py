"""The user agent and its client hints. A browser whose hints contradict its user agent does not pass the site's checks.

If the option ``user_agent`` is None, the user agent and the hints are changed to those of the same browser with a window: they do
not contain the word Headless. If the option is set, the hints are changed to match the given user agent.
"""

from __future__ import annotations

import copy
import re
from typing import Any

_HEADLESS = "HeadlessChrome"
_CHROMIUM = re.compile(r"\bChrome/(\d+)([\d.]*)")
_VERSIONED = ("Chromium", "Google Chrome")
_PLATFORMS = {
    "Windows NT": "Windows",
    "Mac OS X": "macOS",
    "Android": "Android",
    "CrOS": "Chrome OS",
    "Linux": "Linux",
}


def own_user_agent(user_agent: str) -> str:
    """Return the user agent that a headless browser would have if it ran with a window.

    The word "Headless" is removed, and the version is shortened to ``major.0.0.0``.
    """
    return re.sub(rf"{_HEADLESS}/(\d+)[\d.]*", r"Chrome/\1.0.0.0", user_agent)


def override(
    engine_user_agent: str, engine_hints: dict[str, Any] | None, wanted: str | None
) -> dict[str, Any] | None:
    """Return the arguments of ``Emulation.setUserAgentOverride``, or None if no override is needed.

    ``engine_hints`` is the value of ``navigator.userAgentData``, or None if the browser does not define this property.
    """
    user_agent = wanted or own_user_agent(engine_user_agent)
    hints = copy.deepcopy(engine_hints)
    if hints is not None:
        for brands in ("brands", "fullVersionList"):
            hints[brands] = [item for item in hints.get(brands) or () if item["brand"] != _HEADLESS]

    if user_agent == engine_user_agent and hints == engine_hints:
        return None
    if wanted is not None:
        hints = _hints_of(wanted, hints)
    client_hints = {} if hints is None else {"userAgentMetadata": hints}
    return {"userAgent": user_agent, **client_hints}


def _hints_of(user_agent: str, hints: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the hints that match a user agent. For browsers other than Chromium, return None, because they send no hints."""
    version = _CHROMIUM.search(user_agent)
    if hints is None or version is None:
        return None

    for item in hints["brands"]:
        if item["brand"] in _VERSIONED:
            item["version"] = version[1]
    for item in hints["fullVersionList"]:
        if item["brand"] in _VERSIONED:
            item["version"] = version[1] + (version[2] or ".0.0.0")

    platform = next((name for mark, name in _PLATFORMS.items() if mark in user_agent), hints["platform"])
    if platform != hints["platform"]:
        # The user agent does not contain the version of the platform. In the hints, an empty version means "unknown".
        hints |= {"platform": platform, "platformVersion": ""}
    return {**hints, "mobile": "Mobile" in user_agent}
