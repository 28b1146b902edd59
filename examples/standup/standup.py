"""Write a stand-up note from the latest commits: `git log --oneline --since=yesterday | standup`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from chatgpt_browser import ChatGPTAPI, ChatGPTError, RateLimitError, StreamError

if TYPE_CHECKING:
    from collections.abc import Iterable

QUESTION = "Sum up these commits for a stand-up, in two sentences:\n\n"


def write_note(api: ChatGPTAPI, commits: Iterable[str]) -> str:
    """Return the note. If the reply breaks off, ask once for the rest of it.

    :raises ChatGPTError: if there is no complete reply.
    """
    try:
        return api.send_message(QUESTION + "\n".join(commits))
    except StreamError as error:
        rest = "Continue this text, and write only the rest:\n\n"
        return error.partial_text + api.send_message(rest + error.partial_text)


def main() -> None:
    """Run the command."""
    commits = [line.strip() for line in sys.stdin if line.strip()]
    if not commits:
        sys.exit("standup: there are no commits on standard input")
    try:
        with ChatGPTAPI(os.environ["CHATGPT_SESSION_TOKEN"]) as api:
            print(write_note(api, commits))
    except RateLimitError as error:
        sys.exit(f"standup: too many messages; try again in {(error.retry_after or 3600) / 60:.0f} minutes")
    except ChatGPTError as error:
        sys.exit(f"standup: {error}")
