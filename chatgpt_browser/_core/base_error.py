"""The base class of all errors of this package."""

from __future__ import annotations

from .notebook import notebook_traceback


class ChatGPTError(Exception):
    """The base class of all errors that this package raises.

    ``partial_text`` is the part of the reply's text that was received before the error. If no text was received, or if the error
    is not about a reply, ``partial_text`` is empty.
    """

    partial_text: str = ""

    def _render_traceback_(self) -> list[str]:
        """Return the traceback that IPython shows: the caller's frames, the message, and the cause in one line."""
        return notebook_traceback(self)
