"""A server that behaves as ChatGPT's site does, for tests: `FakeChatGPT`, and the steps that script it.

    >>> with FakeChatGPT(replies=["Hello!"]) as server:
    ...     talk_to(server.api_base_url, server.backend_api_base_url, server.session_token)

It needs the extra `testing`: Starlette, Hypercorn and trustme.
"""

from __future__ import annotations

from .data.conversations import Conversation, Message
from .data.recorded_request import RecordedRequest
from .faults.catalogue import FAULTS
from .faults.fault import Fault, Refusal, Spoiling
from .faults.injection import Injection
from .recording.recorder import RecordedConversation, Recorder
from .recording.replay import Recorded
from .script.gate import Gate, Hold
from .script.pace import Pace
from .script.responses import Answer
from .script.script import Scripted, Turn, remember
from .script.side_messages import Aside
from .script.steps import BREAK, Break, RawBody, Reply, Stall, Step
from .server.challenge import ChallengeKind
from .server.fake_chatgpt import FakeChatGPT
from .server.site import SessionAnswer

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
