"""The environment of the browser's processes. It lacks this package's variables, because one of them contains the session token.

A page that takes control of its renderer process can read the environment variables of the renderer process. If a variable
contained the session token, the page could read the token, although the token's cookie has the attribute HttpOnly.
"""

from __future__ import annotations

import functools
import importlib
import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .._core.log import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

#: The possible names of the Playwright module that starts the driver. The name depends on Playwright's version.
_TRANSPORTS = ("playwright._impl.transport", "playwright._impl._transport")
_PREFIX = "CHATGPT_"
#: True while this package starts a driver. Only this driver does not inherit this package's variables; a driver that other code
#: has started does.
_is_starting: ContextVar[bool] = ContextVar("chatgpt_browser_starts_driver", default=False)


def child_environment(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return ``environment`` without this package's variables. If ``environment`` is None, use this process's environment."""
    given = os.environ.copy() if environment is None else environment
    return {name: value for name, value in given.items() if not name.upper().startswith(_PREFIX)}


@contextmanager
def clean_driver_environment() -> Iterator[None]:
    """In the block, remove this package's variables from the environment of Playwright's driver.

    This also works if a task that is created in the block starts the driver after the block has ended, because a new task gets a
    copy of the context variable. Playwright has no option for the environment of its driver, so this function wraps a private
    function of Playwright.
    """
    _wrap_driver_environment()
    token = _is_starting.set(True)
    try:
        yield
    finally:
        _is_starting.reset(token)


@functools.cache
def _wrap_driver_environment() -> None:
    module = next(filter(None, map(_import, _TRANSPORTS)), None)
    original: Callable[[], dict[str, str]] | None = getattr(module, "get_driver_env", None)
    if module is None or original is None:
        logger.warning("this version of Playwright passes CHATGPT_SESSION_TOKEN on to its driver")
        return
    inherit = original

    def get_driver_env() -> dict[str, str]:
        return child_environment(inherit()) if _is_starting.get() else inherit()

    module.get_driver_env = get_driver_env  # type: ignore[attr-defined]


def _import(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None
