"""The account, for commands that read or change what it has."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .client import client_from_environment
from .exit_codes import errors_as_exit_codes
from .output.consoles import logging_to_stderr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser import ChatGPTAPI


@contextmanager
def account(*, headed: bool, verbose: int, as_json: bool = False) -> Iterator[ChatGPTAPI]:
    """A client, not yet started; what goes wrong inside is told, and becomes an exit code."""
    with (
        errors_as_exit_codes(as_json=as_json),
        logging_to_stderr(verbose),
        client_from_environment(headless=not headed) as api,
    ):
        yield api
