"""Reads the DevTools address of a browser that the user has started, from its data folder or from its debugging port."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from .._core.errors import BrowserLaunchError
from .._core.urls import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The file in the data folder that contains the port and the path of the DevTools address, in two lines.
PORT_FILE = "DevToolsActivePort"
#: The maximum number of bytes that are read from the file, and from the response of the debugging port.
_MAX_BYTES = 1 << 16
#: The part of an error message that describes how to switch remote debugging on. Chrome stores the setting; this package never
#: changes the setting.
SWITCH_ON = (
    "Start {name}, open {scheme}://inspect/#remote-debugging and allow remote debugging there (version 144 or newer). Or start "
    "{name} with --remote-debugging-port=9222 and --user-data-dir=FOLDER, and pass "
    'browser_url="http://127.0.0.1:9222". Versions since 136 ignore the port without a data folder of its own.'
)


class Channel(NamedTuple):
    """A browser that the user may have started: its name in messages, the scheme of its internal pages, and its data folders."""

    name: str
    scheme: str
    linux: tuple[str, ...]
    macos: tuple[str, ...]
    windows: tuple[str, ...]


#: Maps a value of ``browser_url`` to its browser. The folders are relative to the platform's folder for application data.
CHANNELS = {
    "chrome": Channel(
        "Chrome", "chrome", ("google-chrome",), ("Google/Chrome",), ("Google/Chrome/User Data",)
    ),
    "msedge": Channel(
        "Microsoft Edge", "edge", ("microsoft-edge",), ("Microsoft Edge",), ("Microsoft/Edge/User Data",)
    ),
}


def data_folders(channel: Channel) -> list[Path]:
    """Return the default data folders of a browser on this platform."""
    home = Path.home()
    if sys.platform == "win32":
        base, names = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local"), channel.windows
    elif sys.platform == "darwin":
        base, names = home / "Library" / "Application Support", channel.macos
    else:
        # Chrome itself looks up its data folder in these variables, in this order.
        configured = os.environ.get("CHROME_CONFIG_HOME") or os.environ.get("XDG_CONFIG_HOME")
        base, names = Path(configured or home / ".config"), channel.linux
    return [base / name for name in names]


def find_devtools_url(name: str) -> tuple[str, Path]:
    """Return the WebSocket URL of the running browser of a channel, and the file that contains the port.

    The file remains after a crash of the browser. Therefore the URL may be out of date.

    :raises BrowserLaunchError: the file does not exist, or its content is not a port and a path.
    """
    channel = CHANNELS[name]
    advice = switch_on(name)
    files = [folder / PORT_FILE for folder in data_folders(channel)]
    for file, text in _existing(files):
        port, _, path = text.strip().partition("\n")
        if port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16:
            return f"ws://127.0.0.1:{int(port)}{path.strip() or '/devtools/browser'}", file
        raise BrowserLaunchError(f"The file {file} does not contain the port of {channel.name}. {advice}")
    places = " and ".join(map(str, files))
    raise BrowserLaunchError(
        f"{channel.name} is not running with remote debugging: {places} does not exist. {advice}"
    )


def switch_on(name: str) -> str:
    """Return a sentence that tells the user how to switch on remote debugging in a browser."""
    channel = CHANNELS[name]
    return SWITCH_ON.format(name=channel.name, scheme=channel.scheme)


def read_devtools_url(url: str, timeout: float | None) -> str:
    """Return the WebSocket URL that a debugging port reports at ``/json/version``. This function blocks.

    :param timeout: in seconds; None for no limit.
    :raises OSError: nothing responds at the URL, or the response has an error status.
    :raises ValueError: the response does not contain a WebSocket URL.
    """
    parts = urlsplit(url)
    address = parts._replace(path=parts.path.rstrip("/") + "/json/version").geturl()
    # For a loopback address, proxies from the environment are not used: they cannot reach the loopback address of this machine.
    handlers = [urllib.request.ProxyHandler({})] if is_loopback(parts.hostname or "") else []
    try:
        with urllib.request.build_opener(*handlers).open(address, timeout=timeout) as response:
            found = json.loads(response.read(_MAX_BYTES))
    except urllib.error.HTTPError as refusal:
        refusal.close()  # The error holds the open response.
        raise
    result = found.get("webSocketDebuggerUrl") if isinstance(found, dict) else None
    if not isinstance(result, str) or not result.startswith(("ws://", "wss://")):
        raise ValueError("the response contains no webSocketDebuggerUrl")
    return result


def _existing(files: list[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each file that can be read, with its text."""
    for file in files:
        with suppress(OSError), file.open("rb") as stream:
            yield file, stream.read(_MAX_BYTES).decode("utf-8", "replace")
