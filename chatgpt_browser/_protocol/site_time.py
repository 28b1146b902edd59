"""Reads times in the site's JSON."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, datetime, timezone
from typing import Any


def read_time(value: Any) -> datetime | None:
    """Return a time in the site's JSON as a datetime, or None if the time is invalid.

    Some endpoints send seconds since 1970, and others send ISO 8601. A time in the first or the last year of Python's calendar
    is treated as invalid, because it cannot be converted to every time zone.
    """
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value.replace("Z", "+00:00"))
            time = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
        else:
            time = datetime.fromtimestamp(value, timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return time if MINYEAR < time.year < MAXYEAR else None
