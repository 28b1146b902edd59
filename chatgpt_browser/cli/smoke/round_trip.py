"""The round trip of a smoke test: start the browser, sign in, send a message, delete the conversation, close the browser."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chatgpt_browser import ChatGPTError

from ..client_factory import client_from_environment
from ..environment import TOKEN
from ..output.milestones import BROWSER_UP, CHALLENGE_PASSED, milestone_callback
from ..repetition import describe_repetition
from .step_log import StepLog

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI, ReplyStream
    from chatgpt_browser._browser.artifacts import FailureArtifacts

BROWSER = "browser up"
DELETED = "chat deleted"
STEPS = (
    "token found",
    BROWSER,
    "site opened",
    "session valid",
    "first word",
    "complete reply",
    DELETED,
    "browser closed",
)


@dataclass(frozen=True)
class RoundTrip:
    """A round trip: its log, the recorder of failure artifacts (or None), its message and its options."""

    log: StepLog
    artifacts: FailureArtifacts | None
    message: str
    expect: str | None
    timeout: timedelta
    keep: bool

    def run(self, **options: Any) -> None:
        """Run all steps with a client. `options` are the client's options. The client is always closed at the end.

        :raises ChatGPTError: a step failed. The log contains the failed step.
        """
        with client_from_environment(**options) as api:
            self.log.done("from the environment" if TOKEN in os.environ else "from login")
            api._core._browser_manager.observer = self.artifacts
            try:
                self._send_and_delete(api)
            except ChatGPTError as error:
                # The failure is logged before the client closes. Otherwise the step's duration would include this closing.
                self.log.failed(error)
                raise
            if self.artifacts is not None:
                self.artifacts.discard()
        self.log.done("no process is left running")

    def _send_and_delete(self, api: ChatGPTAPI) -> None:
        """Start the browser, sign in, send the message and delete the conversation.

        A conversation whose id is known is deleted even if the reply fails. If `keep` is True, no conversation is deleted.
        """
        self._open(api)
        with api.stream_message(self.message, timeout_ms=self.timeout) as stream:
            try:
                self._read(stream)
            except ChatGPTError as error:
                if stream.conversation_id is not None and not self.keep:
                    self.log.failed(error, until=DELETED)
                    with suppress(ChatGPTError):
                        self._delete(api, stream)
                        self.log.done()
                raise
        self._delete(api, stream)
        if not self.keep:
            self.log.done()

    def _open(self, api: ChatGPTAPI) -> None:
        """Start the browser, open the site and sign in. Log each step."""
        challenge: list[str] = []

        def on_milestone(event: str, message: str) -> None:
            if event == BROWSER_UP and self.log.current == BROWSER:
                version = message.partition(": ")[2]
                self.log.properties["browser"] = version
                self.log.done(version)
            elif event == CHALLENGE_PASSED:
                challenge.append(message)

        with milestone_callback(on_milestone):
            api.start()
        self.log.properties["origin"] = api._core._browser_manager.site.origin
        self.log.done(", ".join([self.log.properties["origin"], *challenge]))

        send_via = api._core._sender.options.send_via
        self.log.properties["repetition"], _ = describe_repetition(api, send_via)

        session = api.get_session()
        self.log.done(f"until {session.expires:%Y-%m-%d}" if session.expires else "")

    def _read(self, stream: ReplyStream) -> None:
        """Read the reply to its end. Log two steps: the first word, and the complete reply.

        :raises ChatGPTError: the reply is empty, or it does not contain the expected text.
        """
        first = next(stream, "")
        if not first:
            raise ChatGPTError("the reply is empty")
        self.log.done(repr(first))

        pieces = 1 + sum(1 for _ in stream)
        if self.expect is not None and self.expect.lower() not in stream.text.lower():
            raise ChatGPTError(f"the reply does not contain {self.expect!r}: {stream.text[:200]!r}")
        self.log.done(f"{len(stream.text)} characters in {pieces} pieces")

    def _delete(self, api: ChatGPTAPI, stream: ReplyStream) -> None:
        """Delete the conversation, unless `keep` is True or the conversation's id is unknown."""
        if stream.conversation_id is not None and not self.keep:
            api.delete_conversation(stream.conversation_id)
