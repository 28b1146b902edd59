"""The hostile site: a `FakeChatGPT` whose responses are hostile with a probability that each round draws anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatgpt_browser.testing import FakeChatGPT
from chatgpt_browser.testing.faults.catalogue import FAULTS
from chatgpt_browser.testing.faults.fault import ANY_PATH, Refusal

from .answers import Answers
from .pages import Pages

if TYPE_CHECKING:
    from chatgpt_browser.testing import RecordedRequest

    from .texts import Values

__all__ = ["HostileSite"]

#: The first fault needs a server with another host name. With the others, `batch` waits for minutes, as the site requests.
_LEFT_OUT = {"redirect-other-name", "rate-limit-header", "rate-limit-clears-in", "rate-limit-text"}
#: With these faults, each request for the conversation gets one more word of the answer, so a long answer takes many minutes.
_SLOW_FAULTS = {"broken-body-continued", "websocket-answer"}
_MAX_CHARACTERS, _MAX_SLOW_CHARACTERS = 20_000, 40
_PLAIN_SCRIPTS = "/app/"


class HostileSite:
    """Starts and scripts one server. Between two calls of :meth:`new_round`, the site keeps its character."""

    def __init__(self, values: Values, form: Any) -> None:
        #: The form of the server: "api", or "app" with a web application.
        self.form = form
        self._values = values
        self._chance = values.chance
        self._answers = Answers(values)
        self._pages = Pages(values)
        self._rates = {"page": 0.0, "script": 0.0, "answer": 0.0}
        self._max_characters = _MAX_CHARACTERS
        # The secrets must not occur in any output. A short token could also occur in other texts.
        self.server = FakeChatGPT(form=form, reply=self._reply, session_token="secret-of-the-soak-test" * 4)

    def new_round(self) -> str:
        """Draw the character of the next round, and return its description."""
        chance, site = self._chance, self.server._site
        site.injections.all.clear()
        self.server.strike_challenge(None)
        kind = chance.choice(("answers", "answers", "pages", "both", "fault", "kind"))
        self._rates = {
            "page": chance.choice((0.3, 1.0)) if kind in ("pages", "both") else 0.0,
            "script": 0.5 if kind in ("pages", "both") else 0.0,
            "answer": chance.choice((0.1, 0.4, 1.0)) if kind in ("answers", "both") else 0.0,
        }
        if kind == "fault":
            name = chance.choice(sorted(FAULTS.keys() - _LEFT_OUT))
            self.server.inject(name, times=chance.choice((1, 3, None)))
            kind = name
        self._max_characters = _MAX_SLOW_CHARACTERS if kind in _SLOW_FAULTS else _MAX_CHARACTERS
        self.server.inject(
            Refusal("hostile", "Respond as an attacker.", ANY_PATH, answer=self._respond), times=None
        )
        self._forget()
        return f"{kind} {self._rates}"

    def add_conversations(self) -> None:
        """Add conversations with hostile titles, texts and roles."""
        for _ in range(self._chance.randint(0, 3)):
            turns = [
                (
                    self._chance.choice(("user", "assistant", "system", self._values.text())),
                    self._values.text(),
                )
            ] * 2
            self.server.add_conversation(turns, title=self._values.text())

    def _reply(self, _turn: Any) -> str:
        return self._values.text()[: self._max_characters]

    def _respond(self, _site: Any, record: RecordedRequest) -> Any:
        """Return a hostile response, or None: then the site responds as usual."""
        chance = self._chance
        if record.path.startswith(_PLAIN_SCRIPTS):
            is_sender = record.path.endswith("api.js")
            return self._pages.script() if is_sender and chance.random() < self._rates["script"] else None
        if record.headers.get("sec-fetch-mode") == "navigate":
            return self._pages.page() if chance.random() < self._rates["page"] else None
        return self._answers.to(record) if chance.random() < self._rates["answer"] else None

    def _forget(self) -> None:
        """Delete the server's records, which are in the measured process but do not belong to the client."""
        site = self.server._site
        site.requests._records.clear()
        with site.lock:
            for conversation in [*site.conversations][:-20]:
                del site.conversations[conversation]
