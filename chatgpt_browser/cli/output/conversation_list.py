"""The list of the account's conversations."""

from __future__ import annotations

import itertools
import sys
from datetime import datetime
from typing import TYPE_CHECKING

from .conversation import moment
from .tables import write_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatgpt_browser import ChatGPTAPI, ConversationSummary

#: Conversations that are asked for at once: the most that the site gives.
PAGE = 100


def newest(api: ChatGPTAPI, limit: int | None) -> list[ConversationSummary]:
    """The newest conversations, so many of them, or all."""
    return list(itertools.islice(api.iter_conversations(min(limit or PAGE, PAGE)), limit))


def write_summaries(found: Sequence[ConversationSummary]) -> None:
    """Write a line for each."""
    shown = moment if sys.stdout.isatty() else datetime.isoformat
    moments = [summary.update_time or summary.create_time for summary in found]
    rows = [
        (summary.id, "" if time is None else shown(time), summary.title or "")
        for summary, time in zip(found, moments, strict=True)
    ]
    write_table(("Id", "Changed", "Title"), rows)
