"""`Challenges`: the challenge pages of Cloudflare, and the clearance cookies of clients that have passed a challenge."""

from __future__ import annotations

import secrets
from datetime import timedelta
from string import Template
from typing import TYPE_CHECKING, get_args

from ..data.cookies import set_cookie
from ..data.paths import CHALLENGE_PREFIX
from ..script.responses import Answer, ChallengeKind
from .static_files import read_static
from .tokens import random_token

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest

_COOKIE = "cf_clearance"
_LIFETIME = timedelta(hours=2)


class Challenges:
    """The challenge that clients must pass, and the clearances of the clients that have passed it.

    As on the site, a clearance is valid only for requests with the User-Agent header of the request that passed the challenge.
    """

    def __init__(self, kind: ChallengeKind | None, *, secure: bool) -> None:
        self.kind: ChallengeKind | None = _checked(kind)
        self._secure = secure
        #: Maps the value of a clearance cookie to the User-Agent header of its client.
        self._clearances: dict[str, str] = {}
        #: The challenge pages that no client has passed yet. Maps the ID of a page to the User-Agent header of its client.
        self._pending: dict[str, str] = {}

    def strike(self, kind: ChallengeKind | None) -> None:
        """Revoke all clearances, and require this kind of challenge from now on. If `kind` is None, require no challenge.

        :raises ValueError: for an unknown kind.
        """
        self.kind = _checked(kind)
        self._clearances.clear()
        self._pending.clear()

    def intercept(self, record: RecordedRequest) -> Answer | None:
        """Return the challenge's response to a request, or None if the site itself must respond.

        The challenge responds if the request has no clearance, or if a challenge page sent the request.
        """
        if record.path.startswith(CHALLENGE_PREFIX):
            return self._challenge_request(record)
        if self.kind is None or self._is_cleared(record):
            return None

        return self._page(record, self.kind)

    def _is_cleared(self, record: RecordedRequest) -> bool:
        clearance = self._clearances.get(record.cookies.get(_COOKIE, ""))
        return clearance is not None and clearance == _user_agent(record)

    def _page(self, record: RecordedRequest, kind: ChallengeKind) -> Answer:
        ray = secrets.token_hex(8)
        self._pending[ray] = _user_agent(record)
        page = Template(read_static("pages/challenge.html"))
        headers = [("cf-mitigated", "challenge"), ("cf-ray", ray), ("cache-control", "no-store")]
        return Answer(403, page.substitute(kind=kind, ray=ray, prefix=CHALLENGE_PREFIX), headers)

    def _challenge_request(self, record: RecordedRequest) -> Answer:
        name = record.path[len(CHALLENGE_PREFIX) :]
        if record.method == "GET" and name == "challenge.js":
            script = read_static("pages/challenge.js")
            return Answer(200, script, content_type="text/javascript; charset=utf-8")
        if record.method == "POST" and self._pending.get(name) == _user_agent(record):
            clearance = random_token(43)
            self._clearances[clearance] = self._pending.pop(name)
            cookie = set_cookie(_COOKIE, clearance, secure=self._secure, lifetime=_LIFETIME)
            return Answer(200, {"passed": True}, [("set-cookie", cookie)])

        return Answer.error(400, "not a pending challenge")


def _user_agent(record: RecordedRequest) -> str:
    return record.headers.get("user-agent", "")


def _checked(kind: ChallengeKind | None) -> ChallengeKind | None:
    if kind is not None and kind not in get_args(ChallengeKind):
        raise ValueError(f"challenge must be None, 'passes' or 'person', not {kind!r}")

    return kind
