"""`ComposerOptions`: how the composer of the web application behaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class ComposerOptions:
    """The behaviour of the composer in the pages of a `FakeChatGPT(form="app")`. By default nothing unusual happens."""

    #: Show a form rendered by the server until the page is hydrated (see `wakes_after`): an inert form with a plain text
    #: field and a submit button, which navigates to `/?prompt-textarea=…` and sends nothing. The field stays in the page
    #: afterwards, hidden.
    shell: bool = False
    #: Remove the attribute `inert` from the shell's form, so that its button can be clicked.
    shell_accepts_clicks: bool = False
    #: Seconds from the first input into an empty composer to the moment at which the composer is rendered anew, empty. The
    #: first number applies to the first text, and so on; later texts are kept.
    renders_anew_after: Sequence[float] = ()
    #: The number of clicks on the send button that have no effect.
    ignored_clicks: int = 0
    #: The number of characters above which a pasted text becomes an attachment; None: no limit.
    paste_limit: int | None = None
    #: The number of characters above which the page shows an alert and disables the send button; None: no limit.
    text_limit: int | None = None
