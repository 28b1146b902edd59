"""The round trip of a smoke test: from a session token to a reply, and back to a machine on which nothing runs any more."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatgpt_browser import ChatGPTError

from ..client import TOKEN, client_from_environment
from ..output.milestones import BROWSER_UP, CHALLENGE_PASSED, listening

if TYPE_CHECKING:
    from datetime import timedelta

    from chatgpt_browser import ChatGPTAPI, ReplyStream
    from chatgpt_browser._browser.artifacts import FailureArtifacts

    from .steps import Journal

BROWSER = "browser up"
DELETED = "chat deleted"
STEPS = (
    "token found",
    BROWSER,
    "site opened",
    "session alive",
    "first word",
    "whole reply",
    DELETED,
    "browser closed",
)


@dataclass(frozen=True)
class RoundTrip:
    """What is to be asked, and what is to be noted where."""

    journal: Journal
    evidence: FailureArtifacts | None
    message: str
    expect: str | None
    timeout: timedelta
    keep: bool

    def make(self, *, headless: bool) -> None:
        """Go the whole way; the client is closed in the end.

        :raises ChatGPTError: a step failed. It is the journal's current one.
        """
        with client_from_environment(headless=headless) as api:
            self.journal.done("from the environment" if TOKEN in os.environ else "from login")
            api._core._browser_manager.witness = self.evidence
            try:
                self._round(api)
            except ChatGPTError as error:
                self.journal.failed(error)  # before the client is closed, which takes its time
                raise
            if self.evidence is not None:
                self.evidence.discard()
        self.journal.done("nothing is left running")

    def _round(self, api: ChatGPTAPI) -> None:
        self._open(api)
        with api.stream_message(self.message, timeout_ms=self.timeout) as stream:
            try:
                self._read(stream)
            except ChatGPTError:
                with suppress(ChatGPTError):
                    self._delete(api, stream)
                raise
        self._delete(api, stream)
        if not self.keep:
            self.journal.done()

    def _open(self, api: ChatGPTAPI) -> None:
        """Start the browser, bring it to the site, sign in."""
        challenge: list[str] = []

        def notice(event: str, message: str) -> None:
            if event == BROWSER_UP and self.journal.current == BROWSER:
                version = message.partition(": ")[2]
                self.journal.facts["browser"] = version
                self.journal.done(version)
            elif event == CHALLENGE_PASSED:
                challenge.append(message)

        with listening(notice):
            api.start()
        self.journal.facts["origin"] = api._core._browser_manager.site.origin
        self.journal.done(", ".join([self.journal.facts["origin"], *challenge]))

        session = api.get_session()
        self.journal.done(f"until {session.expires:%Y-%m-%d}" if session.expires else "")

    def _read(self, stream: ReplyStream) -> None:
        """Read the reply.

        :raises ChatGPTError: it is empty, or not what was expected.
        """
        first = next(stream, "")
        if not first:
            raise ChatGPTError("the reply is empty")
        self.journal.done(repr(first))

        pieces = 1 + sum(1 for _ in stream)
        if self.expect is not None and self.expect.lower() not in stream.text.lower():
            raise ChatGPTError(f"the reply does not contain {self.expect!r}: {stream.text[:200]!r}")
        self.journal.done(f"{len(stream.text)} characters in {pieces} pieces")

    def _delete(self, api: ChatGPTAPI, stream: ReplyStream) -> None:
        """Take the conversation out of the account's history, unless it is to be kept."""
        if stream.conversation_id is not None and not self.keep:
            api.delete_conversation(stream.conversation_id)
