"""What `doctor --live` sees on the real site: a short message by each of the two ways, and what came back, without contents."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatgpt_browser import ChatGPTError, PageError, UnusualActivityError, __version__

from .doctor_check import Check, Finding, ok, problem, warning

if TYPE_CHECKING:
    from chatgpt_browser import ConversationEvent

    from .doctor_patient import Patient

QUESTION = "Please answer with the one word: ready"
#: Milliseconds that the site may take for it.
PATIENCE = 120_000
#: Of so many events, from the beginning and from the end, the shape is kept.
FIRST, LAST = 40, 10

#: The values of these fields say what kind of thing something is. All other texts are a user's, or secret.
TELLING = frozenset(
    "type p o c role content_type channel recipient status marker event kind encoding finish_details error_code".split()
)
REPORT = "report it, with the file that the last line names"


@dataclass
class Attempt:
    """One way tried: what came of it, as far as it may be shown to others."""

    outcome: str = "not tried"
    message: str = ""
    count: int = 0
    first: list[Any] = field(default_factory=list)
    last: list[Any] = field(default_factory=list)
    elements: list[Any] = field(default_factory=list)
    conversation_id: str | None = field(default=None, repr=False)

    def note(self, event: ConversationEvent) -> None:
        """Keep the shape of an event."""
        self.count += 1
        shape = shape_of(dict(event))
        if self.count <= FIRST:
            self.first.append(shape)
        else:
            self.last = [*self.last, shape][-LAST:]

    def fail(self, error: ChatGPTError) -> None:
        """It came to nothing, for this reason."""
        self.outcome, self.message = type(error).__name__, str(error)
        if isinstance(error, PageError):
            self.elements = list(error.elements)

    @property
    def form(self) -> str:
        """In which form the reply came."""
        shapes = [*self.first, *self.last]
        return "deltas" if any("message" not in each and "v" in each for each in shapes) else "whole events"

    def to_json(self) -> dict[str, Any]:
        """Everything that may be shown."""
        events = {"count": self.count, "first": self.first, "last": self.last}
        return {"outcome": self.outcome, "message": self.message, "events": events, "page": self.elements}


def shape_of(value: Any, name: str = "") -> Any:
    """What a JSON value is made of: the names of its fields, and of its texts the length, unless they tell a kind."""
    if isinstance(value, dict):
        return {key: shape_of(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [shape_of(item, name) for item in value[:5]]
    if isinstance(value, str) and not (name in TELLING and len(value) <= 80):
        return f"<{len(value)} characters>"
    if isinstance(value, (int, float)) and not isinstance(value, bool) and name not in TELLING:
        return "<number>"
    return value


def by_fetch(patient: Patient) -> Finding:
    """A message by a request of ours, as in 2022."""
    try:
        return _try(patient, "fetch")
    except UnusualActivityError:
        remedy = 'use send_via="auto", or "page"'
        return warning("the site takes no message but from its own page", remedy, works=False)


def by_page(patient: Patient) -> Finding:
    """A message by the site's own page."""
    try:
        return _try(patient, "page")
    except PageError as error:
        return problem(error, REPORT, works=False)


def _try(patient: Patient, way: str) -> Finding:
    attempt = patient.attempts[way] = Attempt()
    client = patient.client(send_via=way)
    conversation = client.get_conversation()
    try:
        reply = conversation.send_message(
            QUESTION, timeout_ms=PATIENCE, on_conversation_response=attempt.note
        )
    except ChatGPTError as error:
        attempt.fail(error)
        raise
    attempt.outcome = "works"
    summary = f"works: {len(reply)} characters in {attempt.count} events ({attempt.form})"
    tidied = _tidied(patient, conversation.conversation_id, way)
    return ok(summary + tidied, works=True, events=attempt.count, form=attempt.form)


def _tidied(patient: Patient, conversation_id: str | None, way: str) -> str:
    """Take the conversation out of the user's list again, if the site lets us."""
    if conversation_id is None:
        return ""
    try:
        patient.client(send_via=way).delete_conversation(conversation_id)
    except ChatGPTError:
        return "; its conversation is left in your list"
    return ""


def saved(patient: Patient) -> Finding:
    """Write down what was seen, for a report."""
    from chatgpt_browser._files import write_private
    from chatgpt_browser._redaction import scrub

    now = datetime.now(timezone.utc)
    told = {
        "chatgpt_browser": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "browser": patient.browser.version if patient.browser is not None else None,
        "origin": patient.origin,
        "at": now.isoformat(timespec="seconds"),
        "ways": {way: attempt.to_json() for way, attempt in patient.attempts.items()},
    }
    path = Path(f"chatgpt-browser-live-{now:%Y%m%d-%H%M%S}.json").absolute()
    text = scrub(json.dumps(told, indent=1, ensure_ascii=False), patient.secrets())
    write_private(path, text.encode())
    return ok(f"{path}: shapes and names, no contents; look at it before you show it", path=str(path))


CHECKS: tuple[Check[Patient], ...] = (
    Check("fetch", by_fetch, ("session",)),
    Check("page", by_page, ("session",)),
    Check("saved", saved, ("session",)),
)
