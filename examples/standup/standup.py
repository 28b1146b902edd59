"""`git log --oneline --since=yesterday | standup`: a note for the stand-up, in plain words."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from chatgpt_browser import ChatGPTAPI, ChatGPTError, RateLimitError, StreamError

if TYPE_CHECKING:
    from collections.abc import Iterable

QUESTION = "Sum up these commits for a stand-up, in two sentences:\n\n"


def write_note(api: ChatGPTAPI, commits: Iterable[str]) -> str:
    """The note. Where the reply breaks off, what has come of it is gone on from, once.

    :raises ChatGPTError: the site gave no reply.
    """
    try:
        return api.send_message(QUESTION + "\n".join(commits))
    except StreamError as error:
        rest = "Go on from here, and give the rest alone:\n\n"
        return error.partial_text + api.send_message(rest + error.partial_text)


def main() -> None:
    """The command."""
    commits = [line.strip() for line in sys.stdin if line.strip()]
    if not commits:
        sys.exit("standup: nothing was committed")
    try:
        with ChatGPTAPI(os.environ["CHATGPT_SESSION_TOKEN"]) as api:
            print(write_note(api, commits))
    except RateLimitError as error:
        sys.exit(f"standup: too many messages; try again in {(error.retry_after or 3600) / 60:.0f} minutes")
    except ChatGPTError as error:
        sys.exit(f"standup: {error}")
