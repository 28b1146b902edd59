"""`Answer`: a complete response, which is not streamed. Its class methods return the site's own error responses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Body = bytes | str | dict[str, Any] | list[Any]
#: The kind of a challenge page. `passes`: the script of the page passes the challenge. `person`: a person must click a button in
#: the page.
ChallengeKind = Literal["passes", "person"]

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
    """A complete response, which is sent at once. A streamed response is a `Reply`."""

    status: int
    #: The body; a dict or list is sent as JSON.
    body: Body = b""
    #: Additional headers as (name, value) pairs.
    headers: Sequence[tuple[str, str]] = ()
    #: The content type. If it is None, it is derived from the body: for example, a text that starts with `<` is HTML.
    content_type: str | None = None

    def __repr__(self) -> str:
        # The body is omitted, because a response of the session endpoint contains an access token.
        return f"Answer({self.status})"

    def encode(self) -> tuple[str, bytes]:
        """Return the content type and the bytes of the body."""
        if isinstance(self.body, (dict, list)):
            return self.content_type or "application/json", json.dumps(self.body).encode()
        if isinstance(self.body, bytes):
            return self.content_type or "application/octet-stream", self.body

        kind = "html" if self.body.lstrip().startswith("<") else "plain"
        return self.content_type or f"text/{kind}; charset=utf-8", self.body.encode()

    @classmethod
    def error(cls, status: int, detail: object, *, headers: Sequence[tuple[str, str]] = ()) -> Answer:
        """Return an error in the backend's format: `{"detail": …}`."""
        return cls(status, {"detail": detail}, headers)

    @classmethod
    def token_expired(cls) -> Answer:
        """Return a 401: the access token has expired."""
        return cls.error(401, _coded(_EXPIRED, "token_expired"))

    @classmethod
    def invalid_jwt(cls) -> Answer:
        """Return a 401: the access token is not a valid JWT."""
        return cls.error(401, _coded("Could not parse your authentication token.", "invalid_jwt"))

    @classmethod
    def unusual_activity(cls, source: str = "system") -> Answer:
        """Return a 403: the site detected unusual activity.

        :param source: the source of the activity: `system` is the account or the IP address, `device` is the device.
        """
        detail = f"Our systems have detected unusual activity from your {source}. Please try again later."
        return cls.error(403, detail)

    @classmethod
    def conversation_not_found(cls) -> Answer:
        """Return a 404: the conversation does not exist."""
        return cls.error(404, {"message": "Conversation not found", "code": "conversation_not_found"})

    @classmethod
    def parent_not_found(cls) -> Answer:
        """Return a 404: the conversation has no message with the ID of the parent."""
        return cls.error(404, {"message": "Parent message not found", "code": "message_not_found"})

    @classmethod
    def model_not_found(cls, model: str) -> Answer:
        """Return a 400: the site has no model with this name."""
        message = f"The model {model!r} does not exist, or you do not have access to it."
        return cls.error(400, {"message": message, "code": "model_not_found"})

    @classmethod
    def message_too_long(cls) -> Answer:
        """Return a 413: the message is too long."""
        return cls.error(413, {"message": _TOO_LONG, "code": "message_length_exceeds_limit"})

    @classmethod
    def unprocessable(cls, errors: Sequence[tuple[Sequence[str | int], str]] = ()) -> Answer:
        """Return a 422 in the format of FastAPI.

        :param errors: (location, message) pairs. If `errors` is empty, the response contains one error about `parent_message_id`.
        """
        errors = errors or [(["body", "parent_message_id"], "field required")]
        return cls.error(422, [{"loc": [*loc], "msg": msg, "type": "value_error"} for loc, msg in errors])

    @classmethod
    def one_message_at_a_time(cls) -> Answer:
        """Return a 429: a reply to another message is still in progress."""
        return cls.error(429, _ONE_AT_A_TIME)

    @classmethod
    def too_many_requests(cls, retry_after: float | None = None) -> Answer:
        """Return a 429: too many requests within the hour.

        :param retry_after: the seconds in the `Retry-After` header. If `retry_after` is None, the response has no such header.
        """
        headers = [] if retry_after is None else [("retry-after", f"{retry_after:g}")]
        return cls.error(429, "Too many requests in 1 hour. Try again later.", headers=headers)

    @classmethod
    def model_cap(cls, clears_in: float = 3600) -> Answer:
        """Return a 429: the maximum number of messages to this model is reached. The limit ends after `clears_in` seconds."""
        message = "You have sent too many messages to the model. Please try again later."
        return cls.error(429, {"message": message, "code": "model_cap_exceeded", "clears_in": clears_in})

    @classmethod
    def server_error(cls) -> Answer:
        """Return a 500 in the backend's format."""
        return cls.error(500, "Something went wrong, please try reloading the conversation.")

    @classmethod
    def overloaded_html(cls, status: int = 503) -> Answer:
        """Return an HTML error page like those of Cloudflare's edge servers, for example with status 503, 520, 522 or 524."""
        title = f"chat.openai.com | {status}"
        head, body = f"<head><title>{title}</title></head>", f"<body><h1>{title}</h1></body>"
        return cls(status, f"<!DOCTYPE html><html>{head}{body}</html>")

    @classmethod
    def challenge(cls) -> Answer:
        """Return a 403 with a challenge page that no client can pass.

        For challenge pages that a client can pass, use `FakeChatGPT(challenge=…)`.
        """
        return cls(403, _CHALLENGE_PAGE, [("cf-mitigated", "challenge")])


def _coded(message: str, code: str) -> dict[str, Any]:
    return {"message": message, "type": "invalid_request_error", "param": None, "code": code}
