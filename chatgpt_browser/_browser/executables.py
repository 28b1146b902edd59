"""The names of Chromium's executables, and the order in which the launcher tries them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.async_api import BrowserType

    from .._core.options import Options

#: Builds that cannot show windows. They start twice as fast as a full Chromium.
HEADLESS_SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
#: Builds that can show windows.
FULL_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_on_path(names: Sequence[str] = HEADLESS_SHELLS + FULL_BROWSERS) -> str | None:
    """Return the path of the first executable in ``names`` that is on the PATH, or None if none of them is."""
    import shutil

    return next(filter(None, map(shutil.which, names)), None)


def launch_candidates(chromium: BrowserType, options: Options) -> Iterator[dict[str, Any]]:
    """Yield Playwright's launch arguments for each browser to try, the best first.

    If the executable of a candidate does not exist, the launcher tries the next candidate.
    """
    # The import of `shutil` is slow, because `shutil` imports all compression modules. Therefore it is imported here, while
    # Playwright's driver starts.
    import shutil

    if options.executable_path is not None:
        yield {"executable_path": options.executable_path}
        return
    if options.channel is not None:
        yield {"channel": options.channel}
        return

    downloaded = Path(chromium.executable_path)
    folder = downloaded.parents[1]
    downloaded_shell = folder.with_name(folder.name.replace("chromium-", "chromium_headless_shell-"))
    if (downloaded_shell if options.headless else downloaded).exists():
        yield {}
    for name in HEADLESS_SHELLS + FULL_BROWSERS if options.headless else FULL_BROWSERS:
        if path := shutil.which(name):
            yield {"executable_path": path}
    if downloaded.exists():
        yield {"executable_path": str(downloaded)}
    yield {"channel": "chrome"}
