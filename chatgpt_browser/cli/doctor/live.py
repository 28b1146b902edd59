"""What `doctor --live` sees on the real site: a short message by each of the two ways, and what came back, without contents."""

from __future__ import annotations

import json
import platform
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from chatgpt_browser import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    ChatGPTError,
    ChatGPTTimeoutError,
    PageError,
    RateLimitError,
    StreamError,
    UnusualActivityError,
    __version__,
)

from .checks import Check, Finding, ok, problem, warning
from .live_record import Attempt, without_words

if TYPE_CHECKING:
    from .context import Patient

QUESTION = "Please answer with the one word: ready"
#: Milliseconds that the site may take for it.
PATIENCE = 120_000
#: By so much the site's clock may differ from ours.
SKEW = timedelta(minutes=10)
REPORT = "report it, with the file that the last line names"
ASK_THE_PAGE = 'use send_via="auto", or "page"'
REFUSED = (
    "this is about the account, the address (a VPN, a data centre) or the browser: see whether you can send one by hand on this "
    f"machine (`chatgpt-browser login`). If you can, {REPORT}"
)


def by_fetch(patient: Patient) -> Finding:
    """A message by a request of ours, as in 2022."""
    return _try(patient, "fetch")


def by_page(patient: Patient) -> Finding:
    """A message by the site's own page."""
    return _try(patient, "page")


def _try(patient: Patient, way: str) -> Finding:
    attempt = patient.attempts[way] = Attempt()
    conversation = patient.client(send_via=way).get_conversation()
    patient.remember_secrets()
    began = datetime.now(timezone.utc)
    try:
        reply = conversation.send_message(
            QUESTION, timeout_ms=PATIENCE, on_conversation_response=attempt.note
        )
    except ChatGPTError as error:
        attempt.fail(error)
        attempt.conversation_id = getattr(error, "conversation_id", None) or attempt.conversation_id
        if attempt.conversation_id is None and not isinstance(
            error, (APIStatusError, AuthenticationError, APIConnectionError)
        ):
            attempt.conversation_id = _left_behind(patient, way, began)
        found = _failed(way, error)
    else:
        attempt.outcome = "works"
        attempt.conversation_id = conversation.conversation_id
        summary = f"works: {len(reply)} characters in {attempt.count} events ({attempt.form})"
        found = ok(summary, works=True, events=attempt.count, form=attempt.form)
    finally:
        patient.remember_secrets()
    return replace(found, summary=found.summary + _tidied(patient, attempt.conversation_id, way))


def _failed(way: str, error: ChatGPTError) -> Finding:
    """What it means that a way came to nothing, and what can be done."""
    if isinstance(error, UnusualActivityError):
        if way == "fetch":
            return warning("the site takes no message but from its own page", ASK_THE_PAGE, works=False)
        return problem(error, REFUSED, works=False)
    if isinstance(error, (PageError, StreamError)):
        return problem(error, REPORT, works=False)
    if isinstance(error, RateLimitError):
        return problem(error, "wait for as long as the site asks, and try it once more", works=False)
    if isinstance(error, (APIStatusError, ChatGPTTimeoutError)) and not isinstance(
        error, AuthenticationError
    ):
        return problem(error, f"try it once more later; if it stays so, {REPORT}", works=False)
    return problem(error, works=False)


def _left_behind(patient: Patient, way: str, began: datetime) -> str | None:
    """A conversation that has come since, with our question and nothing else: the site had taken it, and did not say where."""
    client = patient.client(send_via=way)
    with suppress(ChatGPTError):
        for summary in client.list_conversations(0, 5):
            if summary.create_time is not None and summary.create_time < began - SKEW:
                continue
            said = client.get_history(summary.id).messages
            if [message.text for message in said if message.role == "user"] == [QUESTION]:
                return summary.id
    return None


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
    from chatgpt_browser._core.files import write_private
    from chatgpt_browser._protocol.redaction import scrub

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
    text = scrub(
        json.dumps(without_words(told, patient.person), indent=1, ensure_ascii=False), patient.secrets
    )
    try:
        path = Path(f"chatgpt-browser-live-{now:%Y%m%d-%H%M%S}.json").absolute()
        write_private(path, text.encode())
    except OSError as error:
        return warning(f"nothing: {error}", "run it in a folder that you may write to")
    return ok(f"{path}: shapes and names, no contents; look at it before you show it", path=str(path))


CHECKS: tuple[Check[Patient], ...] = (
    Check("fetch", by_fetch, ("session",)),
    Check("page", by_page, ("session",)),
    Check("saved", saved, ("session",)),
)
