"""A server that behaves like ChatGPT's site, for tests: `FakeChatGPT`, and the steps that script it.

    >>> with FakeChatGPT(replies=["Hello!"]) as server:
    ...     run_client(server.api_base_url, server.backend_api_base_url, server.session_token)

It needs the extra `testing` (Starlette, Hypercorn and trustme) and imports nothing of the client.

The parts, from top to bottom; each imports only the parts below it (a contract of import-linter in pyproject.toml):

- `__main__`: the command `python -m chatgpt_browser.testing`.
- `server`: the HTTP server: `FakeChatGPT`, the state of the site, its endpoints, and the playback of steps.
- `faults` and `recording`: faults by name and their injection; recording of real conversations, and their replay.
- `script`: steps, gates and the queue of steps; the encoding of reply events. Without I/O.
- `data`: plain data that all parts use: requests, conversations, cookies and URL paths.
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
from .script.responses import Answer, ChallengeKind
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
    "ChallengeKind",
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
    "RawBody",
    "Recorded",
    "RecordedConversation",
    "RecordedRequest",
    "Recorder",
    "Refusal",
    "Reply",
    "Scripted",
    "SessionAnswer",
    "ReplyFault",
    "Stall",
    "Step",
    "Turn",
    "remember",
)

for _name in __all__:
    if isinstance(_public := globals()[_name], type):
        _public.__module__ = __name__  # tracebacks and reprs show the name that users import
