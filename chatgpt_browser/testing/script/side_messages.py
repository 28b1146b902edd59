"""`Aside`: a side message. A reply can contain side messages (thoughts, tool calls, remarks) in addition to its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

# Maps a content type to the key that holds the text in the message's `content`. Other content types hold the text in `parts`,
# except `thoughts`, which has a list of objects.
_TEXT_KEYS = {
    "code": "text",
    "execution_output": "text",
    "reasoning_recap": "content",
    "system_error": "text",
}


@dataclass(frozen=True)
class Aside:
    """A side message: a message that comes before the answer in a reply. Each class method creates one kind of side message."""

    text: str
    #: The `content_type` of the message's content.
    content_type: str = "text"
    role: str = "assistant"
    #: The name of the author, for example the name of the tool that produced this output.
    name: str | None = None
    #: The recipient of the message: `all`, or the name of the tool that the message calls.
    recipient: str = "all"
    channel: str | None = "commentary"
    #: True: the site's page does not show the message.
    is_hidden: bool = False
    #: The message's `end_turn` field.
    end_turn: bool | None = False
    #: The kind of background task that the message announces, for example `image_gen`. None if the message announces no task.
    task: str | None = None
    #: The states of a deep research, oldest first. If a GET of the conversation has the parameter `include_widget_state`, the
    #: response contains the next state. Empty: the message does not belong to a research.
    widget_states: tuple[dict[str, Any], ...] = ()
    #: The summary of a thought.
    summary: str = "Thinking"
    #: The status of the complete message.
    status: str = "finished_successfully"
    #: Fields that are added to the metadata of the message.
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def thoughts(cls, text: str = "The user wants a greeting.") -> Aside:
        """Return a message with the reasoning of the model."""
        return cls(text, "thoughts", channel="analysis")

    @classmethod
    def recap(cls, text: str = "Thought for a second") -> Aside:
        """Return a message with the site's summary of the reasoning."""
        return cls(text, "reasoning_recap", channel="analysis")

    @classmethod
    def tool_call(cls, text: str = "print(6 * 7)", recipient: str = "python") -> Aside:
        """Return a message that calls a tool."""
        return cls(text, "code", recipient=recipient)

    @classmethod
    def tool_output(cls, text: str = "42", name: str = "python") -> Aside:
        """Return a message with the output of a tool."""
        return cls(text, "execution_output", role="tool", name=name)

    @classmethod
    def remark(cls, text: str = "Let me look that up.") -> Aside:
        """Return a remark to the user that comes before the answer."""
        return cls(text)

    @classmethod
    def hidden(cls, text: str = "a hidden message") -> Aside:
        """Return a message that the site's page does not show."""
        return cls(text, channel=None, is_hidden=True)

    @classmethod
    def system_error(cls, text: str = "The tool has timed out.", name: str = "tool_error") -> Aside:
        """Return a message with an error of a tool or of the site."""
        return cls(text, "system_error", role="tool", name=name)

    @classmethod
    def image_task(
        cls, text: str = "Processing image. Lots of people are creating images right now."
    ) -> Aside:
        """Return a message that announces an image, because the site is still creating the image."""
        return cls(text, role="tool", name="t2uay3k.sj1i4kz", task="image_gen")

    @classmethod
    def research(
        cls,
        report: str,
        *,
        plan: Sequence[str] = (),
        reads: int = 0,
        references: Sequence[dict[str, Any]] = (),
    ) -> Aside:
        """Return the message of a deep research.

        The events of the reply do not contain the report of the research. Only the stored conversation contains it.

        :param plan: the titles of the plan's steps.
        :param reads: for this number of reads of the conversation, the research is still running. After that, it is complete.
        :param references: the field `content_references` of the report's metadata.
        """
        steps = {"steps": [{"title": title} for title in plan]}
        running: dict[str, Any] = {"status": "running", "plan": steps, "report_message": None}
        message = {
            "author": {"role": "assistant"},
            "content": {"content_type": "text", "parts": [report]},
            "status": "finished_successfully",
            "metadata": {"content_references": [*references]},
        }
        done = {"status": "completed", "plan": steps, "report_message": message}
        states = (*[running] * reads, done)
        return cls("", role="tool", name="api_tool.call_tool", is_hidden=True, widget_states=states)

    @property
    def text_path(self) -> str:
        """The path of this message's text in a delta, for example `/message/content/parts/0`."""
        if self.content_type == "thoughts":
            return "/message/content/thoughts/0/content"
        return f"/message/content/{_TEXT_KEYS.get(self.content_type, 'parts/0')}"

    def content(self, text: str) -> dict[str, Any]:
        """Return the `content` field of the message, with this text."""
        if self.content_type == "thoughts":
            thought = {"summary": self.summary, "content": text, "chunks": [], "finished": True}
            return {"content_type": "thoughts", "thoughts": [thought]}
        if self.content_type == "system_error":
            return {"content_type": "system_error", "name": self.name, "text": text}
        key = _TEXT_KEYS.get(self.content_type)
        return {"content_type": self.content_type, **({"parts": [text]} if key is None else {key: text})}

    def fields(self) -> dict[str, Any]:
        """Return the fields of the message that replace the default fields of `Message.to_message`."""
        return {
            "author": {"role": self.role, "name": self.name, "metadata": {}},
            "role": self.role,
            "content": self.content(self.text),
            "status": self.status,
            "end_turn": self.end_turn,
            "recipient": self.recipient,
            "channel": self.channel,
            "metadata": {
                **({"is_visually_hidden_from_conversation": True} if self.is_hidden else {}),
                **({} if self.task is None else {"async_task_type": self.task}),
                **self.metadata,
            },
        }
