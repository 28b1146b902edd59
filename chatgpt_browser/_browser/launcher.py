"""Launches Chromium on this machine, with or without a persistent profile."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from playwright.async_api import Error as PlaywrightError

from .._core.errors import BrowserLaunchError, BrowserNotFoundError
from .._core.log import logger
from .child_environment import child_environment
from .executables import launch_candidates
from .playwright_errors import INSTALL_HINT, is_missing_executable, is_missing_sandbox, milliseconds
from .sandbox import sandbox_refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from playwright.async_api import Browser as PlaywrightBrowser
    from playwright.async_api import BrowserContext, BrowserType

    from .._core.options import Options

T = TypeVar("T")


async def launch(chromium: BrowserType, options: Options) -> PlaywrightBrowser:
    """Launch a browser with a temporary profile.

    :raises BrowserNotFoundError: no Chromium is installed.
    :raises BrowserLaunchError: the browser needs a screen and there is none.
    """
    return await _launch_first(chromium.launch, chromium, options, _launch_settings(options))


async def launch_with_profile(chromium: BrowserType, options: Options, folder: Path) -> BrowserContext:
    """Launch a browser with the profile in ``folder``. The folder is created if it does not exist.

    :raises BrowserNotFoundError: no Chromium is installed.
    :raises BrowserLaunchError: the folder cannot be created, or the browser needs a screen and there is none.
    """
    try:
        await anyio.Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise BrowserLaunchError(f"The folder user_data_dir cannot be created: {exc}.") from exc
    settings = {"user_data_dir": folder, **_launch_settings(options), **context_settings(options)}
    return await _launch_first(chromium.launch_persistent_context, chromium, options, settings)


def context_settings(options: Options) -> dict[str, Any]:
    """Return Playwright's arguments for a browser context."""
    ignore = options.ignore_https_errors
    return {"ignore_https_errors": ignore, "no_viewport": True, "accept_downloads": False}


async def _launch_first(
    start: Callable[..., Awaitable[T]], chromium: BrowserType, options: Options, settings: dict[str, Any]
) -> T:
    """Call ``start`` with the first candidate whose executable exists. Return the result of ``start``."""
    for candidate in launch_candidates(chromium, options):
        started = await _launch_candidate(start, {**settings, **candidate})
        if started is not None:
            return started
    raise BrowserNotFoundError(f"No Chromium was found. {INSTALL_HINT}.")


async def _launch_candidate(start: Callable[..., Awaitable[T]], settings: dict[str, Any]) -> T | None:
    """Call ``start`` with these settings, and return its result. Return None if the executable does not exist."""
    try:
        return await start(**settings)
    except PlaywrightError as exc:
        if is_missing_executable(exc):
            return None
        if not (settings["chromium_sandbox"] and is_missing_sandbox(exc)):
            raise
    # Chromium cannot use the sandbox, but `sandbox_refusal` has not detected this. For example, a container's seccomp profile may
    # forbid the sandbox, and `sandbox_refusal` reads only sysctls.
    logger.warning("Chromium's sandbox is off: the kernel refuses it, as Chromium has reported")
    return await _launch_candidate(start, {**settings, "chromium_sandbox": False})


def _launch_settings(options: Options) -> dict[str, Any]:
    """Return Playwright's arguments for a launch, except the arguments that select the executable."""
    if not options.headless and not _has_screen():
        raise BrowserLaunchError(
            "There is no screen to show a browser's window on: neither DISPLAY nor WAYLAND_DISPLAY is set."
            " Set one of them, or use headless=True."
        )
    refusal = sandbox_refusal()
    logger.info("Chromium's sandbox is %s", f"off: {refusal}" if refusal else "on")
    return {
        "headless": options.headless,
        "args": list(options.browser_args),
        "proxy": options.proxy,
        "env": child_environment(),
        "timeout": milliseconds(options.launch_timeout),
        "slow_mo": options.slow_mo,
        "chromium_sandbox": not refusal,
        # Playwright must not close the browser on Ctrl-C. The caller handles Ctrl-C, and then the client closes the browser.
        "handle_sigint": False,
        "handle_sigterm": False,
        "handle_sighup": False,
    }


def _has_screen() -> bool:
    """Return whether a window can be shown. On systems other than Linux, the result is always True."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
