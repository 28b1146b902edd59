"""Fetches the list of the account's conversations page by page, and writes the list as a table."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ..state.conversation_lookup import remember_list
from .consoles import out
from .conversation_formats import local_time
from .tables import write_table

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI, ConversationSummary

#: The maximum number of conversations that the site returns for one request.
PAGE_SIZE = 100


def list_newest(api: ChatGPTAPI, limit: int | None) -> list[ConversationSummary]:
    """Return the newest conversations: at most `limit`, or all of them if `limit` is None."""
    return list(itertools.islice(api.iter_conversations(min(limit or PAGE_SIZE, PAGE_SIZE)), limit))


def write_summaries(found: Sequence[ConversationSummary]) -> None:
    """Write one line per conversation to standard output. On a terminal, each line starts with a number.

    The ids are saved in the same order, so that later commands accept the numbers as arguments.
    """
    remember_list(found)
    format_time = local_time if out.is_terminal else datetime.isoformat
    times = [summary.update_time or summary.create_time for summary in found]
    rows = [
        (summary.id, "" if time is None else format_time(time), summary.title or "")
        for summary, time in zip(found, times, strict=True)
    ]
    if out.is_terminal:
        numbered = [(str(number), *row) for number, row in enumerate(rows, 1)]
        write_table(("No.", "Id", "Changed", "Title"), numbered, fixed_columns=2)
    else:
        write_table(("Id", "Changed", "Title"), rows)
