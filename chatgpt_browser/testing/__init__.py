"""A fake ChatGPT server for tests: the class `FakeChatGPT`, and the steps that describe its responses.

    >>> with FakeChatGPT(replies=["Hello!"]) as server:
    ...     run_client(server.api_base_url, server.backend_api_base_url, server.session_token)

This package needs the extra `testing` (Starlette, Hypercorn and trustme). It imports nothing from the client.

The parts are listed from top to bottom. Each part imports only the parts below it; import-linter checks this (see
pyproject.toml).

- `__main__`: the command `python -m chatgpt_browser.testing`.
- `server`: the HTTP server. It contains `FakeChatGPT`, the state of the site, the endpoints, and the playback of steps.
- `faults`: the faults that a test can inject, by name, and the code that applies them to requests.
- `recording`: the recorder for real conversations, and the replay of these recordings.
  `faults` and `recording` are on the same level.
- `script`: the steps, the gates, the queue of steps, and the encoding of reply events. It does no I/O.
- `data`: the plain data that all other parts use: requests, conversations, cookies and URL paths.
"""

from __future__ import annotations

from .data.composer_options import ComposerOptions
from .data.conversation_view import ConversationView
from .data.conversations import Conversation, Message
from .data.recorded_request import RecordedRequest
from .faults.catalogue import FAULTS
from .faults.fault import Fault, Refusal, ReplyFault
from .faults.injection import Injection
from .recording.recorder import RecordedConversation, Recorder
from .script.gate import Gate, Hold
from .script.pattern import Pattern
from .script.reply_parts import Citation, Thought, ToolCall
from .script.responses import Answer, ChallengeKind
from .script.rest import Rest
from .script.rule import Call, Rule
from .script.scripted import Scripted, Turn, remember
from .script.side_messages import Aside
from .script.steps import BREAK, Break, Pace, RawBody, Recorded, Reply, SessionAnswer, Stall, Step
from .server.fake_chatgpt import FakeChatGPT

__all__ = (
    "BREAK",
    "FAULTS",
    "Answer",
    "Aside",
    "Break",
    "Call",
    "ChallengeKind",
    "Citation",
    "ComposerOptions",
    "Conversation",
    "ConversationView",
    "FakeChatGPT",
    "Fault",
    "Gate",
    "Hold",
    "Injection",
    "Message",
    "Pace",
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
    "SessionAnswer",
    "ReplyFault",
    "Stall",
    "Step",
    "Thought",
    "ToolCall",
    "Turn",
    "remember",
)

for _name in __all__:
    if isinstance(_public := globals()[_name], type):
        _public.__module__ = __name__  # Tracebacks and reprs then show the name that users import.
