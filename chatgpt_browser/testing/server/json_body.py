"""`json_object`: returns the body of a request as a JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest


def json_object(record: RecordedRequest) -> dict[str, Any]:
    """Return the body of a request as a JSON object. If the body is not a JSON object, return an empty dict."""
    try:
        body = record.json
    except ValueError:
        return {}

    return body if isinstance(body, dict) else {}
