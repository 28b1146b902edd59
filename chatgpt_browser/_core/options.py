"""The options of a client: a frozen dataclass that contains all options, and the functions that check each option."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote

from .choices import MESSAGES_PER_HOUR, BrowserContextKind, SendVia
from .environment_proxy import environment_proxy
from .log import logger
from .urls import BrowserURL, Site, is_browser_url

#: The npm API's default user agent: Chrome 107 on macOS. It is used only if the caller passes it as ``user_agent``.
SEED_USER_AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/107.0.0.0 Safari/537.36"
)

Milliseconds = float | timedelta
#: The default value of ``model``. It was the default model of the npm API in 2022.
DEFAULT_MODEL = "text-davinci-002-render"
#: If ``model`` has one of these values, the site chooses the model.
SITE_CHOICE_MODELS = (DEFAULT_MODEL, "auto")


def to_seconds(name: str, value: object) -> float:
    """Convert milliseconds or a timedelta to seconds.

    :raises ValueError: the value is not a time, or is negative. The error message contains the name of the option.
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


def _count(*, at_least: int) -> Callable[[str, object], int]:
    def check(name: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
            raise ValueError(f"{name} must be a whole number of at least {at_least}")
        return value

    return check


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} must be a str that is not empty")
    return value


def _flag(name: str, value: object) -> bool:
    if isinstance(value, str):  # A str is refused, because bool("false") is True.
        raise ValueError(f"{name} must be True or False, not a str")
    return bool(value)


def _optional_text(name: str, value: object) -> str | None:
    return None if value is None else _text(name, value)


def _user_agent(name: str, value: object) -> str | None:
    text = _optional_text(name, value)
    if text is not None and not text.isprintable():
        raise ValueError(f"{name} must be one line of text")
    return text


def _one_of(choices: Any) -> Callable[[str, object], Any]:
    def check(name: str, value: object) -> Any:
        if value not in get_args(choices):
            known = ", ".join(map(repr, get_args(choices)))
            raise ValueError(f"{name} must be one of {known}, not {value!r}")
        return value

    return check


def _path(name: str, value: Any) -> Path | None:
    if value is None:
        return None
    try:
        if not str(value):
            raise ValueError(f"{name} must not be empty")
        return Path(value).expanduser()
    except TypeError:
        raise ValueError(f"{name} must be a path") from None
    except RuntimeError as exc:  # The path begins with `~name`, and the user name is unknown.
        raise ValueError(f"{name}: {exc}") from None


def _path_text(name: str, value: Any) -> str | None:
    path = _path(name, value)
    return None if path is None else str(path)


def _arguments(name: str, value: object) -> tuple[str, ...]:
    if (
        isinstance(value, str)
        or not isinstance(value, Sequence)
        or not all(isinstance(v, str) for v in value)
    ):
        raise ValueError(f"{name} must be a sequence of strings")
    return tuple(value)


def _messages_per_hour(name: str, value: object) -> int | None:
    """Return the limit. If ``value`` is None, return the limit in the environment variable, or None if there is no limit."""
    if value is not None:
        return _count(at_least=1)(name, value)
    given = os.environ.get(MESSAGES_PER_HOUR, "").strip()
    if not given:
        return None
    if re.fullmatch(r"[0-9]{1,9}", given) is None or int(given) < 1:
        raise ValueError(f"{MESSAGES_PER_HOUR} must be a whole number of at least 1, not {given!r}")
    return int(given)


def _proxy(_name: str, value: object) -> dict[str, str] | None:
    settings = {"server": value} if isinstance(value, str) else value
    if settings is None:
        return None
    if not isinstance(settings, Mapping) or not settings.get("server"):
        raise ValueError(
            "proxy must be a URL, or a mapping with 'server' (and 'bypass', 'username', 'password')"
        )
    server = settings["server"]
    parts = _PROXY.fullmatch(server) if isinstance(server, str) else None
    if parts is None:
        raise ValueError("the proxy server must have the form host:port or http://host:port")
    given = {str(key): str(setting) for key, setting in settings.items() if setting is not None}
    if parts["user"] is not None:
        user, _, password = parts["user"].partition(":")
        given = {"username": unquote(user), "password": unquote(password), **given}
        given["server"] = f"{parts['scheme'] or ''}{parts['host']}"
    if "username" in given and (parts["scheme"] or "").lower().startswith("socks"):
        raise ValueError("proxy: Chromium does not support a user name and password for a SOCKS proxy")
    return given


def _environment_proxy(site: Site) -> dict[str, str] | None:
    """Return the settings of the proxy with a user name and a password in the environment variables, or None.

    For a proxy without a user name and a password, the result is None, because Chromium itself reads such a proxy from the
    variables. If the settings are invalid, log a warning and return None.
    """
    found = environment_proxy(site.origin)
    if found is None:
        return None
    name, settings = found
    try:
        return _proxy(name, settings)
    except ValueError as error:
        logger.warning("the user name and the password in %s are not used: %s", name, error)
        return None


#: Matches the forms of a proxy's address that Playwright accepts. An address without a scheme is an HTTP proxy. Playwright
#: ignores a user name in the address, so `_proxy` returns the user name and the password as separate settings.
_PROXY = re.compile(
    r"(?P<scheme>(?:https?|socks[45]?)://)?(?:(?P<user>[^\s/]*)@)?(?P<host>[^\s/@]+)/?", re.IGNORECASE
)


def _browser_urls(value: object, user_data_dir: object, browser_context: object) -> tuple[BrowserURL, ...]:
    if value is None:
        if browser_context == "default":
            raise ValueError('browser_context="default" requires browser_url: the browser that is signed in')
        return ()
    urls = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Sequence) else ()
    if not urls or not all(isinstance(url, str) and is_browser_url(url) for url in urls):
        raise ValueError(
            'browser_url must be a ws://, wss://, http:// or https:// URL, "chrome" or "msedge", or a sequence of them'
        )
    if user_data_dir is not None:
        raise ValueError(
            "browser_url and user_data_dir cannot be combined: a remote browser keeps its profile on its own machine"
        )
    found = tuple(map(BrowserURL, urls))
    if browser_context == "default" and not all(url.is_devtools for url in found):
        raise ValueError(
            'browser_context="default" requires a DevTools endpoint as browser_url: a Playwright server starts an empty browser'
        )
    return found


@dataclass(frozen=True, kw_only=True)
class Options:
    """The checked options of a client. Times are in seconds; ``inf`` means no limit.

    The metadata of most fields contains a function ``check``. It checks and converts the constructor's argument for this field.
    """

    site: Site
    browser_urls: tuple[BrowserURL, ...]
    markdown: bool = field(metadata={"check": _flag})
    user_agent: str | None = field(metadata={"check": _user_agent})
    access_token_ttl: float = field(metadata={"check": to_seconds})
    model: str = field(metadata={"check": _text})
    retries: int = field(metadata={"check": _count(at_least=0)})
    first_byte_timeout: float = field(metadata={"check": to_limit})
    idle_timeout: float = field(metadata={"check": to_limit})
    max_concurrent_messages: int = field(metadata={"check": _count(at_least=1)})
    headless: bool = field(metadata={"check": _flag})
    executable_path: str | None = field(metadata={"check": _path_text})
    channel: str | None = field(metadata={"check": _optional_text})
    browser_args: tuple[str, ...] = field(metadata={"check": _arguments})
    proxy: dict[str, str] | None = field(repr=False, metadata={"check": _proxy})
    user_data_dir: Path | None = field(metadata={"check": _path})
    ignore_https_errors: bool = field(metadata={"check": _flag})
    launch_timeout: float = field(metadata={"check": to_limit})
    challenge_timeout: float = field(metadata={"check": to_limit})
    send_via: SendVia = field(metadata={"check": _one_of(SendVia)})
    browser_context: BrowserContextKind = field(metadata={"check": _one_of(BrowserContextKind)})
    recover: bool = field(metadata={"check": _flag})
    job_store: Path | None = field(metadata={"check": _path})
    min_interval: float = field(metadata={"check": to_seconds})
    messages_per_hour: int | None = field(metadata={"check": _messages_per_hour})
    #: The delay in milliseconds after each of Playwright's actions. Only the pytest plugin sets this option.
    slow_mo: float = 0

    @property
    def uses_own_session(self) -> bool:
        """True if the client sets the session cookie. False if the client uses the session of the browser's user."""
        return self.browser_context == "own"

    @classmethod
    def checked(cls, **given: Any) -> Options:
        """Check and convert the arguments of a client's constructor, and return the options.

        :raises ValueError: an option is invalid. The error message contains the name of the option.
        """
        checks = {option.name: option.metadata.get("check") for option in fields(cls)}
        checked = {name: check(name, given[name]) for name, check in checks.items() if check is not None}
        site = Site.checked(given["api_base_url"], given["backend_api_base_url"])
        browser_urls = _browser_urls(given["browser_url"], given["user_data_dir"], given["browser_context"])
        if not browser_urls:  # A remote browser uses the proxy of its own machine.
            checked["proxy"] = checked["proxy"] or _environment_proxy(site)
        return cls(site=site, browser_urls=browser_urls, **checked)
