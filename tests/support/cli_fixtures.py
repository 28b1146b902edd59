"""Types and helpers of the command line's tests."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from typer.testing import Result

    from chatgpt_browser import ChatGPTAPI
    from chatgpt_browser.testing import FakeChatGPT, RecordedRequest

    #: Runs the command line in this process with the given arguments.
    Invoke = Callable[..., Result]
    #: Starts the command line in a new process with the given arguments.
    StartCommand = Callable[..., subprocess.Popen[str]]


def restore_default_sigint() -> None:
    """Restore the default action of SIGINT, which a background job may have set to "ignore"."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Account:
    """A fake server and a signed-in client with a running browser, which many tests share."""

    server: FakeChatGPT
    api: ChatGPTAPI
    first_request: int = 0

    @property
    def posts(self) -> list[RecordedRequest]:
        """The messages that were sent since the test started."""
        requests = self.server.requests[self.first_request :]
        return [r for r in requests if r.method == "POST" and r.path == "/backend-api/conversation"]
