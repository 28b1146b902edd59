"""The keys of the config file: their types, and the command-line options and client options that they set."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, get_args

from chatgpt_browser._core.choices import MESSAGES_PER_HOUR, SendVia
from chatgpt_browser._core.saved_login import DEFAULT_PROFILE, SavedLogin

from ..environment import PROFILE, SEND_VIA

#: The values of the key `output`. `json` has an effect on the commands that have the option `--json`.
OUTPUTS = ("markdown", "plain-text", "json")


class Key(NamedTuple):
    """A key of the config file."""

    #: The name of the key. The name of a key in a table begins with the name of the table and a dot.
    name: str
    #: A function that returns a valid value, and raises ValueError for any other value. The user sees the name of the key, and
    #: after it the error's message.
    check: Callable[[Any], Any]
    meaning: str
    #: A line of the file, as an example.
    example: str
    default: str = ""
    #: The environment variable that takes precedence over the key.
    variable: str = ""
    #: A function that takes the value of the key, and returns the command parameters that this value sets, as a dict from names
    #: to values. Every value of the key sets the same parameters.
    parameters: Callable[[Any], dict[str, Any]] = lambda _: {}
    #: The client option that the key sets. Empty: the key sets a command-line option instead.
    client_option: str = ""


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError("must be a text in quotes, on one line and not empty")
    return value


def _profile(value: Any) -> str:
    try:
        SavedLogin.named(value)
    except ValueError as error:
        raise ValueError(str(error).removeprefix("profile ")) from None
    return str(value)


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(map(repr, choices))}")
        return str(value)

    return check


def _milliseconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError("must be a number of milliseconds that is not negative, without quotes")
    return value


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("must be a whole number of at least 1, without quotes")
    return value


#: All keys, in the order of `config show`.
KEYS = (
    Key(
        "profile",
        _profile,
        "the saved login that the commands use",
        'profile = "work"',
        default=DEFAULT_PROFILE,
        variable=PROFILE,
    ),
    Key(
        "model",
        _text,
        "the model of `ask`, `chat`, `batch`, `serve` and `mcp`, as `--model`",
        'model = "gpt-5"',
        parameters=lambda value: {"model": value},
    ),
    Key(
        "effort",
        _text,
        "the effort of `ask` and `chat`, as `--effort`",
        'effort = "extended"',
        parameters=lambda value: {"effort": value},
    ),
    Key(
        "send_via",
        _one_of(get_args(SendVia)),
        "how messages are sent, as `--send-via`: auto, fetch or page",
        'send_via = "auto"',
        default="auto",
        variable=SEND_VIA,
        parameters=lambda value: {"send_via": value},
    ),
    Key(
        "output",
        _one_of(OUTPUTS),
        "the form of results: markdown, plain-text (as `--plain-text`) or json (as `--json`)",
        'output = "markdown"',
        default="markdown",
        parameters=lambda value: {"plain_text": value == "plain-text", "as_json": value == "json"},
    ),
    Key(
        "pace.min_interval",
        _milliseconds,
        "the least time between two messages, in milliseconds",
        "min_interval = 2000",
        client_option="min_interval",
    ),
    Key(
        "pace.messages_per_hour",
        _count,
        "the most messages in an hour",
        "messages_per_hour = 40",
        variable=MESSAGES_PER_HOUR,
        client_option="messages_per_hour",
    ),
)
BY_NAME = {key.name: key for key in KEYS}
#: The names of the tables of the file.
TABLES = {name.partition(".")[0] for name in BY_NAME if "." in name}
