"""Parses the site's JSON, and limits its nesting depth.

Python's parser accepts almost as many levels as the interpreter allows. Code that copies, compares or prints a very deep value
could later raise ``RecursionError``. The depth at which this happens depends on the version of Python.
"""

from __future__ import annotations

import json
from typing import Any

#: The maximum number of lists and objects inside each other. The site's own JSON has fewer than 20 levels. In Python 3.11, a copy
#: needs two frames for each level: 640 of the 1,000 possible frames.
MAX_DEPTH = 320

# With strict=False, strings in the JSON may contain control characters.
_decode = json.JSONDecoder(strict=False).decode


class NestedTooDeeplyError(ValueError):
    """The JSON has more than :data:`MAX_DEPTH` levels."""


def parse_json(text: str) -> Any:
    """Parse a JSON text, and return the value.

    :raises ValueError: the text is not JSON, or is nested too deeply.
    """
    try:
        value = _decode(text)
    except RecursionError:
        raise NestedTooDeeplyError("nested too deeply") from None
    check_depth(text, value)
    return value


def parse_json_or_none(text: str) -> Any:
    """Parse a JSON text, and return the value. If the text is not JSON or is nested too deeply, return None."""
    try:
        return parse_json(text)
    except ValueError:
        return None


def check_depth(text: str, value: Any) -> None:
    """Check the depth of ``value``, which was parsed from ``text``.

    :raises NestedTooDeeplyError: the value has more than `MAX_DEPTH` levels.
    """
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        holders = [each for each in level if isinstance(each, (dict, list))]
        if not holders:
            return
        level = [member for each in holders for member in (each.values() if isinstance(each, dict) else each)]
    raise NestedTooDeeplyError("nested too deeply")
