"""The options of a client: their validation, and one frozen object with all of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from .urls import BrowserURL, Site, is_browser_url

#: The npm API's default user agent: Chrome 107 on macOS. Only used if it is passed as ``user_agent``.
SEED_USER_AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/107.0.0.0 Safari/537.36"
)

Milliseconds = float | timedelta
#: The npm API's default model, of 2022.
DEFAULT_MODEL = "text-davinci-002-render"
#: The transport: an in-page fetch, the site's own page, or the page as soon as the site rejects messages by fetch.
SendVia = Literal["fetch", "page", "auto"]


def to_seconds(name: str, value: object) -> float:
    """Convert milliseconds or a timedelta to seconds.

    :raises ValueError: the value is not a time, or negative. The message names the option.
    """
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            seconds = value / 1000
        except OverflowError:
            raise ValueError(f"{name} is too long") from None
    else:
        raise ValueError(
            f"{name} must be a number of milliseconds or a timedelta, not {type(value).__name__}"
        )

    if math.isnan(seconds) or seconds < 0:
        raise ValueError(f"{name} must not be negative")

    return seconds


def to_limit(name: str, value: object) -> float:
    """Convert a time limit to seconds. None and 0 mean no limit (``inf``), as in Playwright."""
    return (0 if value is None else to_seconds(name, value)) or math.inf


@dataclass(frozen=True, kw_only=True)
class Options:
    """The checked options of a client. Times are in seconds; ``inf`` means no limit."""

    site: Site
    markdown: bool
    user_agent: str | None
    access_token_ttl: float
    model: str
    retries: int
    first_byte_timeout: float
    idle_timeout: float
    max_concurrent_messages: int
    headless: bool
    executable_path: str | None
    channel: str | None
    browser_args: tuple[str, ...]
    proxy: dict[str, str] | None
    user_data_dir: Path | None
    browser_urls: tuple[BrowserURL, ...]
    ignore_https_errors: bool
    launch_timeout: float
    challenge_timeout: float
    send_via: SendVia

    @classmethod
    def checked(cls, **given: Any) -> Options:
        """Check the arguments of a constructor.

        :raises ValueError: an option is invalid. The message names it.
        """
        return cls(
            site=Site.checked(given["api_base_url"], given["backend_api_base_url"]),
            access_token_ttl=to_seconds("access_token_ttl", given["access_token_ttl"]),
            retries=_count("retries", given["retries"], at_least=0),
            max_concurrent_messages=_count(
                "max_concurrent_messages", given["max_concurrent_messages"], at_least=1
            ),
            model=_text("model", given["model"]),
            browser_args=_arguments(given["browser_args"]),
            proxy=_proxy(given["proxy"]),
            browser_urls=_browser_urls(given["browser_url"], given["user_data_dir"]),
            user_data_dir=_path("user_data_dir", given["user_data_dir"]),
            executable_path=_optional(str, _path("executable_path", given["executable_path"])),
            user_agent=_user_agent(given["user_agent"]),
            channel=None if given["channel"] is None else _text("channel", given["channel"]),
            first_byte_timeout=to_limit("first_byte_timeout", given["first_byte_timeout"]),
            idle_timeout=to_limit("idle_timeout", given["idle_timeout"]),
            launch_timeout=to_limit("launch_timeout", given["launch_timeout"]),
            challenge_timeout=to_limit("challenge_timeout", given["challenge_timeout"]),
            markdown=_flag("markdown", given["markdown"]),
            send_via=_one_of("send_via", given["send_via"], SendVia),
            headless=_flag("headless", given["headless"]),
            ignore_https_errors=_flag("ignore_https_errors", given["ignore_https_errors"]),
        )


def _one_of(name: str, value: object, choices: Any) -> Any:
    if value not in get_args(choices):
        known = ", ".join(map(repr, get_args(choices)))
        raise ValueError(f"{name} must be one of {known}, not {value!r}")
    return value


def _optional(kind: type, value: Any) -> Any:
    return None if value is None else kind(value)


def _count(name: str, value: object, *, at_least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
        raise ValueError(f"{name} must be a whole number of at least {at_least}")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} must be a str that is not empty")
    return value


def _flag(name: str, value: object) -> bool:
    if isinstance(value, str):  # bool("false") is True
        raise ValueError(f"{name} must be True or False, not a str")
    return bool(value)


def _user_agent(value: object) -> str | None:
    if value is None:
        return None
    if not _text("user_agent", value).isprintable():
        raise ValueError("user_agent must be one line of text")
    return str(value)


def _path(name: str, value: Any) -> Path | None:
    if value is None:
        return None
    try:
        if not str(value):
            raise ValueError(f"{name} must not be empty")
        return Path(value).expanduser()
    except TypeError:
        raise ValueError(f"{name} must be a path") from None
    except RuntimeError as exc:  # `~name` with an unknown user name
        raise ValueError(f"{name}: {exc}") from None


def _arguments(value: object) -> tuple[str, ...]:
    if (
        isinstance(value, str)
        or not isinstance(value, Sequence)
        or not all(isinstance(v, str) for v in value)
    ):
        raise ValueError("browser_args must be a sequence of strings")
    return tuple(value)


def _proxy(value: object) -> dict[str, str] | None:
    settings = {"server": value} if isinstance(value, str) else value
    if settings is None:
        return None
    if not isinstance(settings, Mapping) or not settings.get("server"):
        raise ValueError(
            "proxy must be a URL, or a mapping with 'server' (and 'bypass', 'username', 'password')"
        )
    server = settings["server"]
    if not isinstance(server, str) or not _PROXY.fullmatch(server):
        raise ValueError("the proxy server must have the form host:port or http://host:port")
    return {str(key): str(setting) for key, setting in settings.items() if setting is not None}


#: The forms that Playwright accepts; without a scheme it is an HTTP proxy. A URL with a password is passed on unchanged.
_PROXY = re.compile(r"(?:(?:https?|socks[45]?)://)?[^\s/]+/?", re.IGNORECASE)


def _browser_urls(value: object, user_data_dir: object) -> tuple[BrowserURL, ...]:
    if value is None:
        return ()
    urls = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Sequence) else ()
    if not urls or not all(isinstance(url, str) and is_browser_url(url) for url in urls):
        raise ValueError(
            "browser_url must be a ws://, wss://, http:// or https:// URL, or a sequence of them"
        )
    if user_data_dir is not None:
        raise ValueError(
            "browser_url and user_data_dir cannot be combined: a remote browser keeps its profile on its own machine"
        )
    return tuple(map(BrowserURL, urls))
