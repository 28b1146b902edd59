"""Parses large JSON in a thread, so that the event loop continues to run. The number of values is limited, to limit the memory.

Python's JSON parser is written in C, and holds the interpreter's lock until it has finished, even in a thread. Therefore the
parser gets an object hook: a Python function, during which the interpreter can switch to another thread. Measured with a
conversation of 28 MB, on a machine with other work: the event loop stalled for 0.34 s without the hook, and for 0.10 s with the
hook. A worker process would be no better, because unpickling its result also holds the lock.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .site_json import NestedTooDeeplyError, check_depth

#: The maximum number of values in a JSON text. A parsed value takes 70 bytes or more, even if its JSON text has only two
#: characters. A conversation of 6,000 messages has 150,000 values.
MAX_VALUES = 3_000_000
#: Matches the tokens that are needed to count values: an escape in a text, the start or the end of a text, or a character before
#: a value (``[``, ``{`` or a comma).
_TOKEN = re.compile(r'\\.|["\[{,]', re.DOTALL)


class TooManyValuesError(ValueError):
    """The JSON has more than :data:`MAX_VALUES` values."""


def parse_in_thread(text: str) -> Any:
    """Parse a large JSON text, and return the value. Call this function in a thread.

    :raises TooManyValuesError: the JSON has too many values.
    :raises ValueError: the text is not JSON, or is nested too deeply.
    """
    if sum(map(text.count, "[{,")) > MAX_VALUES and _count_values(text) > MAX_VALUES:
        raise TooManyValuesError(f"the JSON has more than {MAX_VALUES:,} values")
    try:
        value = json.loads(text, object_hook=_unchanged)
    except RecursionError:
        raise NestedTooDeeplyError("nested too deeply") from None
    check_depth(text, value)
    return value


def _unchanged(value: dict[str, Any]) -> dict[str, Any]:
    """Return the object unchanged. The parser calls this function so that the interpreter can switch to another thread."""
    return value


def _count_values(text: str) -> int:
    """Return the number of values in a JSON text. Stop counting above ``MAX_VALUES``.

    Values are counted by the opening brackets, the opening braces and the commas outside strings.
    """
    count, is_in_text = 0, False
    for token in _TOKEN.finditer(text):
        if token[0] == '"':
            is_in_text = not is_in_text
        elif not is_in_text:
            count += 1
            if count > MAX_VALUES:
                break
    return count
