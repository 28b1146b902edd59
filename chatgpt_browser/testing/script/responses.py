"""Answers: whole responses, and the site's own errors by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Body = bytes | str | dict[str, Any] | list[Any]

_ONE_AT_A_TIME = (
    "Only one message at a time. Please allow any other responses to complete before sending another message, "
    "or wait one minute."
)
_TOO_LONG = (
    "The message you submitted was too long, please reload the conversation and submit something shorter."
)
_EXPIRED = "Your authentication token has expired. Please try signing in again."
_CHALLENGE_PAGE = """<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head>
<body><form id="challenge-form" action="/cdn-cgi/challenge-platform/"></form>
<script>window._cf_chl_opt = {};</script></body></html>"""


@dataclass(frozen=True)
class Answer:
    """A whole response: status, body (a dict or list is sent as JSON), further headers.

    The content type is told from the body where `content_type` is None.
    """

    status: int
    body: Body = b""
    headers: Sequence[tuple[str, str]] = ()
    content_type: str | None = None

    def __repr__(self) -> str:
        # The body of a session answer holds an access token.
        return f"Answer({self.status})"

    def encode(self) -> tuple[str, bytes]:
        """Give the content type and the bytes of the body."""
        if isinstance(self.body, (dict, list)):
            return self.content_type or "application/json", json.dumps(self.body).encode()
        if isinstance(self.body, bytes):
            return self.content_type or "application/octet-stream", self.body

        kind = "html" if self.body.lstrip().startswith("<") else "plain"
        return self.content_type or f"text/{kind}; charset=utf-8", self.body.encode()

    @classmethod
    def error(cls, status: int, detail: object, *, headers: Sequence[tuple[str, str]] = ()) -> Answer:
        """An error in the backend's form: `{"detail": …}`."""
        return cls(status, {"detail": detail}, headers)

    @classmethod
    def token_expired(cls) -> Answer:
        """401: the access token has expired."""
        return cls.error(401, _coded(_EXPIRED, "token_expired"))

    @classmethod
    def invalid_jwt(cls) -> Answer:
        """401: the access token was never one."""
        return cls.error(401, _coded("Could not parse your authentication token.", "invalid_jwt"))

    @classmethod
    def unusual_activity(cls, source: str = "system") -> Answer:
        """403: the account, the address or (`source="device"`) the device is under suspicion."""
        return cls.error(
            403,
            f"Our systems have detected unusual activity from your {source}. Please try again later.",
        )

    @classmethod
    def conversation_not_found(cls) -> Answer:
        """404: no such conversation."""
        return cls.error(404, {"message": "Conversation not found", "code": "conversation_not_found"})

    @classmethod
    def parent_not_found(cls) -> Answer:
        """404: the conversation has no message with the parent's id."""
        return cls.error(404, {"message": "Parent message not found", "code": "message_not_found"})

    @classmethod
    def message_too_long(cls) -> Answer:
        """413: the message is too long."""
        return cls.error(413, {"message": _TOO_LONG, "code": "message_length_exceeds_limit"})

    @classmethod
    def unprocessable(cls, errors: Sequence[tuple[Sequence[str | int], str]] = ()) -> Answer:
        """422: a list of (where, what) as FastAPI gives it; one about `parent_message_id` by default."""
        errors = errors or [(["body", "parent_message_id"], "field required")]
        return cls.error(422, [{"loc": [*loc], "msg": msg, "type": "value_error"} for loc, msg in errors])

    @classmethod
    def one_message_at_a_time(cls) -> Answer:
        """429: another reply is still under way."""
        return cls.error(429, _ONE_AT_A_TIME)

    @classmethod
    def too_many_requests(cls, retry_after: float | None = None) -> Answer:
        """429: the hour's requests are used up; `retry_after` (seconds) becomes a `Retry-After` header."""
        headers = [] if retry_after is None else [("retry-after", f"{retry_after:g}")]
        return cls.error(429, "Too many requests in 1 hour. Try again later.", headers=headers)

    @classmethod
    def model_cap(cls, clears_in: float = 3600) -> Answer:
        """429: the model's cap is reached; it clears in so many seconds."""
        message = "You have sent too many messages to the model. Please try again later."
        return cls.error(429, {"message": message, "code": "model_cap_exceeded", "clears_in": clears_in})

    @classmethod
    def server_error(cls) -> Answer:
        """500: something went wrong."""
        return cls.error(500, "Something went wrong, please try reloading the conversation.")

    @classmethod
    def overloaded_html(cls, status: int = 503) -> Answer:
        """503, 520, 522 or 524: an HTML page of the edge, not of the backend."""
        title = f"chat.openai.com | {status}"
        return cls(
            status,
            f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>",
        )

    @classmethod
    def challenge(cls) -> Answer:
        """403: a challenge page that nothing can pass. See `FakeChatGPT(challenge=…)` for one that can be."""
        return cls(403, _CHALLENGE_PAGE, [("cf-mitigated", "challenge")])


def _coded(message: str, code: str) -> dict[str, Any]:
    return {"message": message, "type": "invalid_request_error", "param": None, "code": code}
