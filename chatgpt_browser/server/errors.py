"""Error responses in the form of OpenAI's API, and the table that maps the library's errors to statuses."""

from __future__ import annotations

import json
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import Response

from .._core import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The longest ``retry-after`` in seconds that the `openai` package obeys. The package ignores a longer delay, and sends the
#: request again within a few seconds.
_LONGEST_RETRY = 60.0


class JSONResponse(Response):
    """A response with a JSON body in UTF-8."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


class APIError(Exception):
    """An error response of this server.

    :param param: the name of the request's field that caused the error, or None.
    :param headers: additional headers of the response.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.kind = kind
        self.headers: dict[str, str] = headers or {}

    @property
    def body(self) -> dict[str, Any]:
        """The object of the field ``error``, in OpenAI's form."""
        return {"message": str(self), "type": self.kind, "param": self.param, "code": self.code}

    def response(self) -> Response:
        """Return the HTTP response.

        By default, the header ``x-should-retry`` is ``false``, so that the `openai` package does not repeat the request: a
        message that may have reached the site must not be sent twice. The error's ``headers`` can replace this value.
        """
        headers = {"x-should-retry": "false"} | self.headers
        return JSONResponse({"error": self.body}, self.status, headers)


def unsupported(param: str, reason: str) -> APIError:
    """Return the error for a field that asks for something that the site cannot do."""
    return APIError(400, f"{param}: {reason}", code="unsupported_parameter", param=param)


def invalid(param: str, reason: str) -> APIError:
    """Return the error for a field with an invalid value."""
    return APIError(400, f"{param}: {reason}", code="invalid_value", param=param)


class _Kind(NamedTuple):
    """A row of `_KINDS`: an error class, and the status, the code and the type of the response to this error."""

    error: type[Exception]
    status: int
    code: str
    kind: str = "server_error"


#: An error belongs to the first row whose class matches, so subclasses come before their base classes.
_KINDS = (
    _Kind(errors.InvalidSessionTokenError, 401, "session_expired", "authentication_error"),
    _Kind(errors.AuthenticationError, 401, "session_expired", "authentication_error"),
    _Kind(errors.ChallengeError, 403, "challenge_required", "permission_error"),
    _Kind(errors.UnusualActivityError, 403, "unusual_activity", "permission_error"),
    _Kind(errors.RateLimitError, 429, "rate_limit_exceeded", "rate_limit_error"),
    _Kind(errors.ConversationNotFoundError, 404, "conversation_not_found", "invalid_request_error"),
    _Kind(errors.MessageTooLongError, 400, "context_length_exceeded", "invalid_request_error"),
    _Kind(errors.APIStatusError, 502, "site_error"),
    _Kind(errors.ModerationError, 400, "content_filter", "invalid_request_error"),
    _Kind(errors.StreamError, 502, "reply_interrupted"),
    _Kind(errors.ChatGPTTimeoutError, 504, "timeout"),
    _Kind(errors.UploadError, 400, "upload_failed", "invalid_request_error"),
    _Kind(errors.OptionNotAppliedError, 400, "option_not_applied", "invalid_request_error"),
    _Kind(errors.PageError, 502, "page_failed"),
    _Kind(errors.BrowserError, 503, "browser_failed"),
    _Kind(errors.APIConnectionError, 502, "site_unreachable"),
    _Kind(errors.OriginError, 502, "site_unreachable"),
    _Kind(errors.ClientClosedError, 503, "server_is_stopping"),
    _Kind(errors.ChatGPTError, 500, "internal_error"),
    _Kind(Exception, 500, "internal_error"),
)
#: The error code of the site for a model that the account cannot use.
_MODEL_NOT_FOUND = "model_not_found"
_REFUSED, _SERVER_FAILED = 400, 500


def to_api_error(error: Exception, option_fields: Mapping[str, str] = MappingProxyType({})) -> APIError:
    """Return the error response for an error. The text of an unexpected error is not part of the response.

    :param option_fields: maps the options of a message to the fields of the request that set these options.
    """
    if isinstance(error, APIError):
        return error
    row = next(row for row in _KINDS if isinstance(error, row.error))
    message = str(error) if row.error is not Exception else "The server has failed. Its log has the details."
    found = APIError(row.status, message, code=row.code, kind=row.kind)
    if isinstance(error, errors.RateLimitError):
        found.headers = _retry_headers(error.retry_after)
    elif isinstance(error, errors.OptionNotAppliedError):
        found.param = option_fields.get(error.option)
    elif isinstance(error, errors.UploadError):
        found.param = option_fields.get("files")
    elif row.error is errors.APIStatusError and isinstance(error, errors.APIStatusError):
        _adopt_status(found, error)
    return found


def _adopt_status(found: APIError, error: errors.APIStatusError) -> None:
    """Copy the site's error code to `found`. If the site's status is 4xx, set the status to 400 (404 for an unknown model)."""
    found.code = error.code or found.code
    if _REFUSED <= (error.status_code or 0) < _SERVER_FAILED:
        found.status, found.kind = 400, "invalid_request_error"
    if error.code == _MODEL_NOT_FOUND:
        found.status, found.param = 404, "model"


def _retry_headers(retry_after: float | None) -> dict[str, str]:
    """Return the headers for a retry. The client may retry automatically if the site has sent a delay of at most 60 s."""
    if retry_after is None:
        return {}
    may_retry = "true" if retry_after <= _LONGEST_RETRY else "false"
    return {"retry-after": str(math.ceil(retry_after)), "x-should-retry": may_retry}
