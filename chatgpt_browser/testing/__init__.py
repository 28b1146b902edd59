"""A server that behaves as ChatGPT's site does, for tests: `FakeChatGPT`, and the steps that script it.

    >>> with FakeChatGPT(replies=["Hello!"]) as server:
    ...     talk_to(server.api_base_url, server.backend_api_base_url, server.session_token)

It needs the extra `testing`: Starlette, Hypercorn and trustme.
"""

from __future__ import annotations

from .answers import Answer
from .asides import Aside
from .catalogue import FAULTS
from .challenge import ChallengeKind
from .conversations import Conversation, Message
from .faults import Fault, Refusal, Spoiling
from .gate import Gate, Hold
from .injection import Injection
from .pace import Pace
from .recorder import RecordedConversation, Recorder
from .records import RecordedRequest
from .replay import Recorded
from .scripting import Scripted, Turn, remember
from .server import FakeChatGPT
from .site import SessionAnswer
from .steps import BREAK, Break, RawBody, Reply, Stall, Step

__all__ = (
    "BREAK",
    "FAULTS",
    "Answer",
    "Aside",
    "Break",
    "ChallengeKind",
    "Conversation",
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
    "Spoiling",
    "Stall",
    "Step",
    "Turn",
    "remember",
)
