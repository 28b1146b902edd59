"""Challenges and redirects to other hosts. The docstring of each function is its description."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..script.responses import Answer
from .fault import ANY_PATH, refusal

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from .fault import FaultTarget

_OTHER_NAMES = {"chat.openai.com": "chatgpt.com", "chatgpt.com": "chat.openai.com"}


@refusal()
def challenge_passes(site: FaultTarget, record: RecordedRequest) -> None:
    """Respond with 403 and a challenge page that a browser passes without help."""
    site.challenges.strike("passes")


@refusal()
def challenge_person(site: FaultTarget, record: RecordedRequest) -> None:
    """Respond with 403 and a challenge page that a person has to pass."""
    site.challenges.strike("person")


@refusal()
def challenge_impassable(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 403 and a challenge page for only this request, which cannot be passed."""
    return Answer.challenge()


def _continues_conversation(site: FaultTarget, record: RecordedRequest) -> bool:
    return b'"conversation_id": "' in record.body or b'"conversation_id":"' in record.body


@refusal(applies=_continues_conversation)
def challenge_in_mid_conversation(site: FaultTarget, record: RecordedRequest) -> None:
    """Respond with a challenge that a browser passes without help, when a message continues a conversation."""
    site.challenges.strike("passes")


def _is_sent_to_site(site: FaultTarget, record: RecordedRequest) -> bool:
    return record.headers.get("host", "") == urlsplit(site.origin).netloc


def _check_other_name(origin: str) -> None:
    if urlsplit(origin).netloc not in _OTHER_NAMES:
        names = " or ".join(f"https://{name}" for name in _OTHER_NAMES)
        raise ValueError(f"redirect-other-name needs a public_origin of {names}")


@refusal(ANY_PATH, applies=_is_sent_to_site, check=_check_other_name)
def redirect_other_name(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Redirect (308) from chat.openai.com to chatgpt.com, or back; `public_origin` must be one of the two."""
    return _redirect(f"https://{_OTHER_NAMES[record.headers['host']]}", record)


@refusal(ANY_PATH, applies=_is_sent_to_site)
def redirect_stranger(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Redirect (308) to a foreign host: the same server under the name localhost."""
    scheme = urlsplit(site.origin).scheme
    return _redirect(f"{scheme}://localhost:{site.port}", record)


def _redirect(origin: str, record: RecordedRequest) -> Answer:
    return Answer(308, headers=[("location", origin + record.target)])
