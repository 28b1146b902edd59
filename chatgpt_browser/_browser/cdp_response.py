"""Conversion of a DevTools `Network.Response`_ to a :class:`Head`.

.. _Network.Response: https://chromedevtools.github.io/devtools-protocol/tot/Network/#type-Response
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.models import Head

if TYPE_CHECKING:
    from collections.abc import Mapping


def head_from_cdp(response: Mapping[str, Any]) -> Head:
    """Return the head of a response, with lower-case header names and without ``Set-Cookie``, which holds session tokens.

    ``response`` has the fields ``status``, ``statusText`` and ``headers``; others are ignored.
    """
    headers = {name.lower(): value for name, value in response["headers"].items()}
    headers.pop("set-cookie", None)
    return Head(response["status"], response["statusText"], headers)
