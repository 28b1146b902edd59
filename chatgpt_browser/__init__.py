"""A client for ChatGPT's web application through a real browser, with the interface of the npm package ``chatgpt`` 2.0.

Each public name is imported on first use, so that the import of the package takes only a few milliseconds. Playwright is imported
when a browser starts.
"""

# ruff: noqa: F403, F405 - `import *` gives type checkers the error classes; ruff does not see which names are imported

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._client.client import AsyncChatGPTAPI, AsyncChatGPTConversation
    from ._client.jobs import AsyncJob, Job
    from ._client.reply_file import AsyncReplyFile, ReplyFile
    from ._client.sync_client import ChatGPTAPI, ChatGPTConversation
    from ._client.sync_reply_stream import ReplyStream
    from ._core.abort import AbortController, AbortSignal
    from ._core.errors import *
    from ._core.models import BatchMessage, BatchResult, ConversationEvent, Session, User
    from ._core.options import SEED_USER_AGENT
    from ._core.reply import Citation, Reply, Thought, ToolCall
    from ._core.reply_events import CitationFound, Done, FileFound, TextDelta, ThoughtDelta, ToolUpdate
    from ._messaging.reply_stream import AsyncReplyStream
    from ._protocol.backend import ConversationSummary
    from ._protocol.history import History, HistoryMessage
    from ._protocol.model_list import Model

__version__ = "0.2.0"

__all__ = [
    "SEED_USER_AGENT",
    "APIConnectionError",
    "APIStatusError",
    "AbortController",
    "AbortError",
    "AbortSignal",
    "AccessTokenRejectedError",
    "AsyncChatGPTAPI",
    "AsyncChatGPTConversation",
    "AsyncJob",
    "AsyncReplyFile",
    "AsyncReplyStream",
    "AuthenticationError",
    "BatchMessage",
    "BatchResult",
    "BrowserCrashedError",
    "BrowserError",
    "BrowserLaunchError",
    "BrowserNotFoundError",
    "ChallengeError",
    "ChatGPTAPI",
    "ChatGPTConversation",
    "ChatGPTError",
    "ChatGPTTimeoutError",
    "Citation",
    "CitationFound",
    "ClientClosedError",
    "ComposerNotFoundError",
    "ConversationEvent",
    "ConversationNotFoundError",
    "ConversationSummary",
    "DialogInTheWayError",
    "Done",
    "FileFound",
    "ForkedProcessError",
    "History",
    "HistoryMessage",
    "InvalidSessionTokenError",
    "Job",
    "JobNotFoundError",
    "JobStoreError",
    "JobUncertainError",
    "MalformedEventError",
    "MessageTooLongError",
    "Model",
    "ModerationError",
    "OptionNotAppliedError",
    "OriginError",
    "PageError",
    "ProxyError",
    "RateLimitError",
    "Reply",
    "ReplyFile",
    "ReplyStream",
    "Session",
    "SessionExpiredError",
    "StreamError",
    "StreamInterruptedError",
    "TextDelta",
    "Thought",
    "ThoughtDelta",
    "ToolCall",
    "ToolUpdate",
    "UnknownEncodingError",
    "UnusualActivityError",
    "UploadError",
    "User",
    "__version__",
]

#: The public names of each module. A module is imported on the first use of one of these names.
_LAZY_EXPORTS = {
    "_core.abort": ["AbortController", "AbortSignal"],
    "_protocol.backend": ["ConversationSummary"],
    "_protocol.history": ["History", "HistoryMessage"],
    "_client.jobs": ["AsyncJob", "Job"],
    "_protocol.model_list": ["Model"],
    "_client.client": ["AsyncChatGPTAPI", "AsyncChatGPTConversation"],
    "_client.reply_file": ["AsyncReplyFile", "ReplyFile"],
    "_core.errors": [name for name in __all__ if name.endswith("Error")],
    "_core.models": ["BatchMessage", "BatchResult", "ConversationEvent", "Session", "User"],
    "_core.options": ["SEED_USER_AGENT"],
    "_core.reply": ["Citation", "Reply", "Thought", "ToolCall"],
    "_core.reply_events": ["CitationFound", "Done", "FileFound", "TextDelta", "ThoughtDelta", "ToolUpdate"],
    "_messaging.reply_stream": ["AsyncReplyStream"],
    "_client.sync_client": ["ChatGPTAPI", "ChatGPTConversation"],
    "_client.sync_reply_stream": ["ReplyStream"],
}
_MODULE_OF = {name: module for module, names in _LAZY_EXPORTS.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
