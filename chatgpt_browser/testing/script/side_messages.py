"""Messages of a reply that are not its answer: thoughts, a tool's call and what it gave back, remarks on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Aside:
    """A message that comes before the answer: its text, and what tells it from one. Made by the methods named after its kinds."""

    text: str
    content_type: str = "text"
    role: str = "assistant"
    name: str | None = None
    recipient: str = "all"
    channel: str | None = "commentary"
    is_hidden: bool = False
    end_turn: bool | None = False

    @classmethod
    def thoughts(cls, text: str = "The user wants a greeting.") -> Aside:
        """What the model thinks before it speaks."""
        return cls(text, "thoughts", channel="analysis")

    @classmethod
    def recap(cls, text: str = "Thought for a second") -> Aside:
        """What the site says of the thoughts."""
        return cls(text, "reasoning_recap", channel="analysis")

    @classmethod
    def tool_call(cls, text: str = "print(6 * 7)", recipient: str = "python") -> Aside:
        """A message to a tool."""
        return cls(text, "code", recipient=recipient)

    @classmethod
    def tool_output(cls, text: str = "42", name: str = "python") -> Aside:
        """What a tool has to say."""
        return cls(text, "execution_output", role="tool", name=name)

    @classmethod
    def remark(cls, text: str = "Let me look that up.") -> Aside:
        """A word to the user on the way to the answer."""
        return cls(text)

    @classmethod
    def hidden(cls, text: str = "for nobody's eyes") -> Aside:
        """A message that the site's page does not show."""
        return cls(text, channel=None, is_hidden=True)

    @property
    def text_path(self) -> str:
        """Where its text stands in the message, as a delta names it."""
        if self.content_type == "thoughts":
            return "/message/content/thoughts/0/content"
        if self.content_type in ("code", "execution_output"):
            return "/message/content/text"
        if self.content_type == "reasoning_recap":
            return "/message/content/content"
        return "/message/content/parts/0"

    def content(self, text: str) -> dict[str, Any]:
        """The message's content with this text."""
        if self.content_type == "thoughts":
            thought = {"summary": "Thinking", "content": text, "chunks": [], "finished": True}
            return {"content_type": "thoughts", "thoughts": [thought]}
        if self.content_type in ("code", "execution_output"):
            return {"content_type": self.content_type, "text": text}
        if self.content_type == "reasoning_recap":
            return {"content_type": self.content_type, "content": text}
        return {"content_type": self.content_type, "parts": [text]}

    def fields(self) -> dict[str, Any]:
        """The fields of its message that are not those of an ordinary one."""
        return {
            "author": {"role": self.role, "name": self.name, "metadata": {}},
            "role": self.role,
            "content": self.content(self.text),
            "end_turn": self.end_turn,
            "recipient": self.recipient,
            "channel": self.channel,
            "metadata": {"is_visually_hidden_from_conversation": True} if self.is_hidden else {},
        }
