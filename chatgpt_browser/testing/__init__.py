"""A fake ChatGPT server for tests: the class `FakeChatGPT`, and the steps that describe its responses.

    >>> with FakeChatGPT(replies=["Hello!"]) as server:
    ...     run_client(server.api_base_url, server.backend_api_base_url, server.session_token)

This package needs the extra `testing` (Starlette, Hypercorn and trustme). It imports nothing from the client.

The parts are listed from top to bottom. Each part imports only the parts below it; import-linter checks this (see
pyproject.toml).

- `__main__`: the command `python -m chatgpt_browser.testing`.
- `background`: a server in a background process, for `--export`.
- `server`: the HTTP server. It contains `FakeChatGPT`, the state of the site, the endpoints, and the code that sends responses.
- `faults`: the faults that a test can inject, by name, and the code that applies them to requests.
- `recording`: the recorder for real conversations, and the replay of these recordings.
  `faults` and `recording` are on the same level.
- `script`: the steps (each describes one response), their queue, the gates at which a test can hold a response, and the encoding
  of reply events. It does no I/O.
- `data`: the plain data that all other parts use: requests, conversations, cookies and URL paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .data.composer_options import ComposerOptions
from .data.conversation_view import ConversationView
from .data.conversations import Conversation, Message
from .data.download_options import DownloadOptions
from .data.page_controls import PageControls
from .data.recorded_request import RecordedRequest
from .data.upload_options import UploadOptions
from .faults.catalogue import FAULTS
from .faults.fault import Fault, Refusal, ReplyFault
from .faults.injection import Injection
from .recording.cassette import Cassette
from .recording.recorder import RecordedConversation, Recorder
from .script.gate import Gate, Hold
from .script.pattern import Pattern
from .script.reply_parts import Citation, Thought, ToolCall
from .script.responses import Answer, ChallengeKind
from .script.rest import Rest
from .script.rule import Call, Rule
from .script.scripted import Scripted, Turn, remember
from .script.sent_files import SentFile
from .script.side_messages import Aside
from .script.steps import BREAK, Break, Pace, RawBody, Recorded, Reply, SessionAnswer, Stall, Step
from .server.storage import StoredFile

if TYPE_CHECKING:
    from .server.fake_chatgpt import FakeChatGPT

__all__ = (
    "BREAK",
    "FAULTS",
    "Answer",
    "Aside",
    "Break",
    "Call",
    "Cassette",
    "ChallengeKind",
    "Citation",
    "ComposerOptions",
    "Conversation",
    "ConversationView",
    "DownloadOptions",
    "FakeChatGPT",
    "Fault",
    "Gate",
    "Hold",
    "Injection",
    "Message",
    "Pace",
    "PageControls",
    "Pattern",
    "RawBody",
    "Recorded",
    "RecordedConversation",
    "RecordedRequest",
    "Recorder",
    "Refusal",
    "Reply",
    "Rest",
    "Rule",
    "Scripted",
    "SentFile",
    "SessionAnswer",
    "ReplyFault",
    "Stall",
    "Step",
    "StoredFile",
    "Thought",
    "ToolCall",
    "Turn",
    "UploadOptions",
    "remember",
)

_EXTRA_PACKAGES = frozenset({"starlette", "hypercorn", "trustme", "h2", "h11", "wsproto"})

for _name in __all__:
    if isinstance(_public := globals().get(_name), type):
        _public.__module__ = __name__  # Tracebacks and reprs then show the name that users import.


def __getattr__(name: str) -> Any:
    # The server is imported on first use, because only the server needs the packages of the extra.
    if name != "FakeChatGPT":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from .server.fake_chatgpt import FakeChatGPT
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA_PACKAGES:
            raise
        message = "FakeChatGPT needs an extra: pip install 'chatgpt-browser-api[testing]'"
        raise ModuleNotFoundError(message, name=error.name) from error

    FakeChatGPT.__module__ = __name__
    globals()[name] = FakeChatGPT
    return FakeChatGPT
