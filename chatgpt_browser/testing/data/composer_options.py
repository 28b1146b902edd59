"""`ComposerOptions`: options for the behaviour of the web application's composer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class ComposerOptions:
    """Options for the composer in the pages of a `FakeChatGPT(form="app")`. By default, the composer works normally."""

    #: True: until the page is hydrated (see `wakes_after`), it shows the shell. The shell is an inert form that the server has
    #: rendered. It has a plain text field and a submit button. The button navigates to `/?prompt-textarea=…` and sends no
    #: message. After the hydration, the field stays in the page but is hidden.
    shell: bool = False
    #: True: the shell's form has no attribute `inert`, so its button can be clicked.
    shell_accepts_clicks: bool = False
    #: Delays in seconds. After the first input into an empty composer, the page waits, then replaces the composer by an empty
    #: one, so that the text is lost. The first delay is for the first text, the second delay for the second text, and so on. If
    #: there are no more delays, the text is kept.
    renders_anew_after: Sequence[float] = ()
    #: The number of clicks on the send button that have no effect.
    ignored_clicks: int = 0
    #: The maximum number of characters in a pasted text. A longer text becomes an attachment. None: no limit.
    paste_limit: int | None = None
    #: The maximum number of characters in a text. For a longer text, the page shows an alert and disables the send button. None:
    #: no limit.
    text_limit: int | None = None
