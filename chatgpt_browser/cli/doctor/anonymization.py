"""Anonymizes the data that `doctor --live` saves.

Field names are kept, and also the values of fields that name a kind, such as the role "assistant" (see ``KIND_FIELDS``). Other
texts are replaced by their lengths.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from chatgpt_browser import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    ChatGPTError,
    DialogInTheWayError,
    StreamError,
)

#: The fields whose value is the name of a kind, such as the role "assistant". The strings in all other fields may be secret, or
#: may be text of the user.
KIND_FIELDS = frozenset(
    "type o c role content_type channel recipient status marker event kind encoding finish_details error_code".split()
)
#: The format of the name of a kind. A value with another format is not kept, even if its field is in `KIND_FIELDS`.
KIND = re.compile(r"[\w.:/+-]{1,60}", re.ASCII)
#: The format of a field name. A key that does not match may be an id or a name that the user wrote, so it is replaced.
FIELD = re.compile(r"[A-Za-z_]{1,40}")
QUOTED = re.compile(r"""(?<!\w)(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")


#: The maximum number of characters of an error message. A longer message, which contains a long text from the site, is cut.
_MAX_MESSAGE = 2000
#: The maximum nesting depth. Deeper JSON values are replaced by "<nested>", because Python's recursion is limited.
_MAX_DEPTH = 100


def shape_of(value: Any, name: str = "", depth: int = 0) -> Any:
    """Return a JSON value without private data.

    Field names and the names of kinds are kept, other strings become their lengths, and lists are cut to 5 items.

    :param name: the name of the field that contains the value.
    :param depth: the nesting depth of the value.
    """
    if depth > _MAX_DEPTH:
        return "<nested>"
    if isinstance(value, dict):
        return {_anonymize_key(key): shape_of(member, key, depth + 1) for key, member in value.items()}
    if isinstance(value, list):
        return [shape_of(item, name, depth + 1) for item in value[:5]]
    if isinstance(value, str):
        if name == "p":
            return _anonymize_pointer(value)
        return value if name in KIND_FIELDS and KIND.fullmatch(value) else _length(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and name not in KIND_FIELDS:
        return "<number>"
    return value


def remove_words(value: Any, words: Sequence[str]) -> Any:
    """Return a JSON value with `<name>` in place of the given words, for example the words of the user's name."""
    if not words:
        return value
    if isinstance(value, dict):
        return {remove_words(key, words): remove_words(member, words) for key, member in value.items()}
    if isinstance(value, list):
        return [remove_words(item, words) for item in value]
    if isinstance(value, str):
        alternatives = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
        return re.sub(rf"(?<!\w)(?:{alternatives})(?!\w)", "<name>", value, flags=re.IGNORECASE)
    return value


def anonymize_message(error: ChatGPTError) -> str:
    """Return the message of an error, with the text from the site removed.

    Text in quotes is kept only if it looks like the name of a kind.
    """
    text = str(error)[:_MAX_MESSAGE]
    if (
        isinstance(error, (APIConnectionError, APIStatusError, AuthenticationError))
        or type(error) is StreamError
    ):
        text = text.partition(": ")[0]
    if isinstance(error, DialogInTheWayError):
        text = text.partition(" (")[0]
    return QUOTED.sub(_anonymize_quotation, text)


def _anonymize_quotation(match: re.Match[str]) -> str:
    inner = match[0][1:-1]
    is_kind = KIND.fullmatch(inner)
    shown = _anonymize_pointer(inner) if inner.startswith("/") else inner if is_kind else _length(inner)
    return f"{match[0][0]}{shown}{match[0][-1]}"


def _anonymize_pointer(path: str) -> str:
    """Return a JSON Pointer without private data: field names, indexes and `-` are kept, all else becomes its length."""
    return "/".join(
        step if step in ("", "-") or step.isdecimal() else _anonymize_key(step) for step in path.split("/")
    )


def _anonymize_key(key: str) -> str:
    return key if FIELD.fullmatch(key) else _length(key)


def _length(text: str) -> str:
    return f"<{len(text)} characters>"
