"""The types of the arguments of a client's constructor and of ``from_login``, for type checkers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from .._core.choices import BrowserContextKind, SendVia
    from .._core.options import Milliseconds

#: The forms in which the constructor accepts a session token.
SessionTokenSource = str | PathLike[str] | Mapping[str, object] | Iterable[object]


class OptionsWithoutContext(TypedDict, total=False):
    """The keyword arguments of the constructor, except ``browser_context``. The constructor documents each argument."""

    markdown: bool
    api_base_url: str
    backend_api_base_url: str
    user_agent: str | None
    access_token_ttl: Milliseconds
    model: str
    retries: int
    first_byte_timeout: Milliseconds | None
    idle_timeout: Milliseconds | None
    max_concurrent_messages: int
    headless: bool
    executable_path: str | PathLike[str] | None
    channel: str | None
    browser_args: Sequence[str]
    proxy: str | Mapping[str, str] | None
    user_data_dir: str | PathLike[str] | None
    browser_url: str | Sequence[str] | None
    ignore_https_errors: bool
    launch_timeout: Milliseconds | None
    challenge_timeout: Milliseconds | None
    send_via: SendVia
    recover: bool
    job_store: str | PathLike[str] | None
    min_interval: Milliseconds
    messages_per_hour: int | None


class ClientOptions(OptionsWithoutContext, total=False):
    """The keyword arguments of the constructor."""

    browser_context: BrowserContextKind
