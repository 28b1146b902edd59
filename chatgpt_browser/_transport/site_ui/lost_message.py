"""The error for a message that the page accepts but does not send."""

from __future__ import annotations

from ..._core.errors import PageError


class LostMessageError(PageError):
    """The page has accepted the message and then done nothing. The message was not sent, so another page can safely send it."""
