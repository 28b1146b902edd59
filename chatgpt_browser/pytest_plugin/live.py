"""Tests that use the real site: their settings, the minimum time between two tests, and reports without secrets."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatgpt_browser import AsyncChatGPTAPI

MARKER = "chatgpt_live"
TOKEN = "CHATGPT_SESSION_TOKEN"
INTERVAL = "chatgpt_live_interval"
_BASE_URLS = {
    "api_base_url": "CHATGPT_API_BASE_URL",
    "backend_api_base_url": "CHATGPT_BACKEND_API_BASE_URL",
}
# Shorter values and shorter parts of a value are not hidden, because they may occur in ordinary words.
_MIN_SECRET_LENGTH = 12
# Matches the characters after a recognized part of a secret. They may belong to the secret too.
_REST = re.compile(r"[\w.+/=%-]*")
# Matches any token. If the test itself has created a client, the values of the client's tokens are not known here.
_TOKEN = re.compile(r"eyJ[\w.+/=%-]{8,}")

_sleep = time.sleep
#: The clients of a test on the real site. If the list does not exist, the test does not use the real site.
CLIENTS = pytest.StashKey[list["AsyncChatGPTAPI"]]()
_ended_at = pytest.StashKey[float]()


def is_marked(item: pytest.Item) -> bool:
    """Return whether the test has the marker for tests that use the real site."""
    return item.get_closest_marker(MARKER) is not None


def has_token() -> bool:
    """Return whether the environment contains a session token for the real site."""
    return bool(os.environ.get(TOKEN))


def begin(item: pytest.Item) -> None:
    """Register that the test uses the real site. Wait until the minimum time since the end of the last such test has passed."""
    if CLIENTS in item.stash:
        return

    item.stash[CLIENTS] = []
    wait = item.config.stash.get(_ended_at, 0.0) + interval(item.config) - time.monotonic()
    if wait > 0:
        _sleep(wait)  # This limits the rate of requests. There is no event to wait for.


def interval(config: pytest.Config) -> float:
    """Return the minimum time between two tests that use the real site, in seconds.

    :raises pytest.UsageError: if the setting is not a number, or is negative.
    """
    value: str = config.getini(INTERVAL)
    try:
        milliseconds = float(value)
    except ValueError:
        milliseconds = -1
    if not milliseconds >= 0:
        raise pytest.UsageError(f"{INTERVAL} must be a number of milliseconds, not {value!r}")
    return milliseconds / 1000


def client_settings() -> dict[str, Any]:
    """Return the session token and the base URLs of the real site for a client."""
    urls = {option: os.environ[name] for option, name in _BASE_URLS.items() if os.environ.get(name)}
    return {"session_token": os.environ[TOKEN], **urls}


def add_client(item: pytest.Item, api: AsyncChatGPTAPI) -> None:
    """Store a client of a test that uses the real site."""
    item.stash[CLIENTS].append(api)


def clients(item: pytest.Item) -> list[AsyncChatGPTAPI]:
    """Return the clients with which the test uses the real site."""
    return item.stash.get(CLIENTS, [])


def complete_report(item: pytest.Item, report: pytest.TestReport) -> None:
    """Remove secrets from the reports of a test on the real site. Add the site's origin to the teardown report."""
    if CLIENTS not in item.stash:
        return

    if secrets := _secrets(item):
        hide_secrets(report, secrets)
    if report.when == "teardown":
        item.config.stash[_ended_at] = time.monotonic()
        if sites := {_origin(api) for api in clients(item)}:
            report.user_properties.append(("chatgpt_live", " ".join(sorted(sites))))


def _origin(api: AsyncChatGPTAPI) -> str:
    return urlsplit(api._options.site.origin).geturl()


def _secrets(item: pytest.Item) -> set[str]:
    secrets = [secret for api in clients(item) for secret in api._sender.secrets.known_secrets()]
    return {secret for secret in [*secrets, os.environ.get(TOKEN, "")] if len(secret) >= _MIN_SECRET_LENGTH}


def hide_secrets(report: pytest.TestReport, secrets: Iterable[str]) -> None:
    """Replace the secrets in the texts of a report: in the traceback with its local variables, and in captured output.

    pytest replaces the middle of a long value with dots, so a text may contain only a part of a secret. Therefore each part that
    is at least 12 characters long is replaced.
    """
    starts = ((secret, at) for secret in secrets for at in range(len(secret) - _MIN_SECRET_LENGTH + 1))
    parts = {secret[at : at + _MIN_SECRET_LENGTH] for secret, at in starts}

    def hidden(text: str) -> str:
        return _TOKEN.sub("[secret]", _without_parts(text, parts))

    report.sections = [(title, hidden(text)) for title, text in report.sections]
    if isinstance(report.longrepr, str):
        report.longrepr = hidden(report.longrepr)
    elif isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        report.longrepr = (path, line, hidden(reason))
    elif report.longrepr is not None:
        _replace_texts(report.longrepr, hidden, set())


def _without_parts(text: str, parts: set[str]) -> str:
    """Return a copy of the text in which `[secret]` replaces each sequence of parts, and the rest of a secret after it.

    :param parts: all parts of secrets that are exactly 12 characters long.
    """
    kept, end, at = [], 0, 0
    while at + _MIN_SECRET_LENGTH <= len(text):
        if text[at : at + _MIN_SECRET_LENGTH] not in parts:
            at += 1
            continue
        kept += [text[end:at], "[secret]"]
        while text[at : at + _MIN_SECRET_LENGTH] in parts:
            at += 1
        if rest := _REST.match(text, at + _MIN_SECRET_LENGTH - 1):
            at = end = rest.end()
    return "".join([*kept, text[end:]])


def _replace_texts(value: Any, hidden: Any, seen: set[int]) -> None:
    """Replace the texts in an object of `_pytest._code.code`, and in all objects of `_pytest._code.code` inside it."""
    if id(value) in seen:
        return

    seen.add(id(value))
    for name, member in list(vars(value).items()):
        object.__setattr__(value, name, _without(member, hidden, seen))  # Some of the classes are frozen.


def _without(member: Any, hidden: Any, seen: set[int]) -> Any:
    if isinstance(member, str):
        return hidden(member)
    if isinstance(member, (list, tuple)):
        return type(member)([_without(each, hidden, seen) for each in member])
    if type(member).__module__ == "_pytest._code.code":
        _replace_texts(member, hidden, seen)
    return member
