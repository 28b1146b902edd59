"""Cloudflare's part: challenge pages, and the clearances they give."""

from __future__ import annotations

import secrets
from datetime import timedelta
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Literal

from ..data.cookies import set_cookie
from ..script.responses import Answer
from .tokens import random_token

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest

#: `passes`: the page's own script passes it. `person`: somebody has to press its button.
ChallengeKind = Literal["passes", "person"]

PREFIX = "/cdn-cgi/challenge-platform/"
_COOKIE = "cf_clearance"
_LIFETIME = timedelta(hours=2)


class Challenges:
    """Who has to pass a challenge, and who has.

    A clearance is bound to the User-Agent that passed the challenge, as on the site.
    """

    def __init__(self, kind: ChallengeKind | None, *, secure: bool) -> None:
        self.kind = _checked(kind)
        self._secure = secure
        self._clearances: dict[str, str] = {}
        self._asked: dict[str, str] = {}

    def strike(self, kind: ChallengeKind | None) -> None:
        """From now on everyone has to pass; None: nobody."""
        self.kind = _checked(kind)
        self._clearances.clear()
        self._asked.clear()

    def intercept(self, record: RecordedRequest) -> Answer | None:
        """Answer a request that must not reach the site: one without clearance, or one of the challenge's own."""
        if record.path.startswith(PREFIX):
            return self._own(record)
        if self.kind is None or self._is_cleared(record):
            return None

        return self._page(record, self.kind)

    def _is_cleared(self, record: RecordedRequest) -> bool:
        clearance = self._clearances.get(record.cookies.get(_COOKIE, ""))
        return clearance is not None and clearance == _user_agent(record)

    def _page(self, record: RecordedRequest, kind: ChallengeKind) -> Answer:
        ray = secrets.token_hex(8)
        self._asked[ray] = _user_agent(record)
        page = Template(_read("challenge.html")).substitute(kind=kind, ray=ray, prefix=PREFIX)
        headers = [("cf-mitigated", "challenge"), ("cf-ray", ray), ("cache-control", "no-store")]
        return Answer(403, page, headers)

    def _own(self, record: RecordedRequest) -> Answer:
        name = record.path[len(PREFIX) :]
        if record.method == "GET" and name == "challenge.js":
            return Answer(200, _read("challenge.js"), content_type="text/javascript; charset=utf-8")
        if record.method == "POST" and self._asked.get(name) == _user_agent(record):
            return self._clear(name)

        return Answer(400, {"detail": "not a challenge that was asked"})

    def _clear(self, ray: str) -> Answer:
        clearance = random_token(43)
        self._clearances[clearance] = self._asked.pop(ray)
        cookie = set_cookie(_COOKIE, clearance, secure=self._secure, lifetime=_LIFETIME)
        return Answer(200, {"passed": True}, [("set-cookie", cookie)])


def _user_agent(record: RecordedRequest) -> str:
    return record.headers.get("user-agent", "")


def _read(name: str) -> str:
    return (files(__package__) / "pages" / name).read_text(encoding="utf-8")


def _checked(kind: ChallengeKind | None) -> ChallengeKind | None:
    if kind not in (None, "passes", "person"):
        raise ValueError(f"challenge must be None, 'passes' or 'person', not {kind!r}")

    return kind
