"""Converts a stored conversation (``GET /conversation/{id}``) to typed data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic

from .._core.public import FileT, public_type
from .conversation_tree import newest_answer, newest_branch
from .message import UNREADABLE, hidden_text, is_question, is_visible, message_text, recipient_of, role_of
from .reply_collector import collect_stored_reply
from .reply_text import clean_text
from .site_time import read_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from .._core.reply import Citation, Reply, Thought, ToolCall
    from .file_refs import FileRef

#: A node of the stored conversation: its id, the id of its parent, and its message.
_Node = tuple[str, str | None, dict[str, Any]]


@public_type
@dataclass(frozen=True)
class HistoryMessage(Generic[FileT]):
    """One message of a stored conversation. ``role`` is ``user``, ``assistant``, ``system`` or ``tool``.

    ``hidden`` is True if the site's page does not show the message as part of the conversation. Instructions, thoughts, tool
    calls and the output of tools are hidden. ``recipient`` is the name of the tool that receives the message, or None.

    The ``text`` of a reply contains no citation marks, like the result of :meth:`AsyncChatGPTAPI.send_message`. The ``text`` of a
    question is the text as the user has sent it.

    The answer to a question has the ``citations``, ``files``, ``thoughts`` and ``tool_calls`` of all messages between this
    question and the next. If there is no answer, the newest message of the assistant has them. If the assistant has sent no
    message either, the newest message has them. :meth:`History.get_reply` returns the same data as one :class:`Reply`.
    """

    id: str
    role: str
    text: str
    create_time: datetime | None = None
    parent_message_id: str | None = None
    hidden: bool = False
    recipient: str | None = None
    citations: tuple[Citation, ...] = ()
    files: tuple[FileT, ...] = ()
    thoughts: tuple[Thought, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()


@public_type
@dataclass(frozen=True)
class History(Generic[FileT]):
    """A stored conversation.

    ``messages`` contains the messages of the newest branch, including hidden messages, oldest first. ``visible_messages``
    contains only the messages that a person sees on the site. ``current_node`` is the id of the newest message. Use this id as
    the ``parent_message_id`` of the next message. ``raw`` is the whole response.
    """

    conversation_id: str
    title: str | None
    create_time: datetime | None
    update_time: datetime | None
    current_node: str | None
    messages: tuple[HistoryMessage[FileT], ...]
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def visible_messages(self) -> tuple[HistoryMessage[FileT], ...]:
        """The entries of ``messages`` that are not hidden, oldest first."""
        return tuple(message for message in self.messages if not message.hidden)

    def get_reply(self, message_id: str | None = None) -> Reply[FileT] | None:
        """Return the whole reply that contains a message, as :meth:`AsyncChatGPTAPI.ask` returns it.

        The text of the reply is Markdown. The result is None if the message is a question, or if the newest branch does not
        contain the message.

        :param message_id: the id of the message. If it is None, the newest message is used.
        """
        at = message_id or self.current_node
        for turn in _turns(_newest_nodes(self.raw)):
            if any(name == at for name, _, _ in turn):
                reply: Reply[Any] = collect_stored_reply([each for *_, each in turn], self.conversation_id)
                holder = _holder(turn)
                files = next((message.files for message in self.messages if message.id == holder), ())
                return replace(reply, message_id=reply.message_id or holder, files=files)
        return None


def _keep_ref(ref: FileRef) -> Any:
    return ref


def read_history(
    conversation_id: str, data: Any, bind_file: Callable[[FileRef], FileT] = _keep_ref
) -> History[FileT]:
    """Return the stored conversation in a response of ``GET /conversation/{id}``.

    :param bind_file: a function that returns the file object for a reference to a file.
    """
    fields = data if isinstance(data, dict) else {}
    return History(
        conversation_id,
        _text(fields.get("title")),
        read_time(fields.get("create_time")),
        read_time(fields.get("update_time")),
        _text(fields.get("current_node")),
        tuple(_newest_messages(data, conversation_id, bind_file)),
        fields,
    )


def _newest_messages(
    data: Any, conversation_id: str, bind_file: Callable[[FileRef], FileT]
) -> list[HistoryMessage[FileT]]:
    """Return the messages of a stored conversation's newest branch, oldest first."""
    nodes = _newest_nodes(data)
    replies = {
        _holder(turn): collect_stored_reply([message for _, _, message in turn], conversation_id)
        for turn in _turns(nodes)
    }
    messages = [_message(*node) for node in nodes]
    return [
        message
        if (reply := replies.get(message.id)) is None
        else replace(
            message,
            citations=reply.citations,
            files=tuple(map(bind_file, reply.files)),
            thoughts=reply.thoughts,
            tool_calls=reply.tool_calls,
        )
        for message in messages
    ]


def _newest_nodes(data: Any) -> list[_Node]:
    """Return the nodes of the newest branch that contain a message, oldest first.

    A message without an id gets the id of its node.
    """
    return [
        (node_id, _text(node.get("parent")), message if message.get("id") else message | {"id": node_id})
        for node_id, node in newest_branch(data)
        if isinstance(message := node.get("message"), dict)
    ][::-1]


def _turns(nodes: Iterable[_Node]) -> list[list[_Node]]:
    """Return a list for each question: the nodes after this question and before the next question, oldest first.

    A question without such nodes has no list in the result.
    """
    turns: list[list[_Node]] = []
    has_question = False
    for node in nodes:
        if is_question(node[2]):
            has_question = True
            turns.append([])
        elif has_question:
            turns[-1].append(node)
    return [turn for turn in turns if turn]


def _holder(turn: list[_Node]) -> str:
    """Return the id of the message that gets the citations, files, thoughts and tool calls of a turn.

    This is the message of the answer. If the turn has no answer, it is the newest message of the assistant. If the assistant has
    sent no message either, it is the newest message.
    """
    messages = [message for _, _, message in turn]
    holder = newest_answer(messages[::-1])
    if holder is None:
        holder = next((each for each in messages[::-1] if role_of(each) == "assistant"), messages[-1])
    return next(name for name, _, message in turn if message is holder)


def _message(node_id: str, parent: str | None, message: dict[str, Any]) -> HistoryMessage[Any]:
    return HistoryMessage(
        node_id,
        role if isinstance(role := role_of(message), str) else UNREADABLE,
        _text_of(message),
        read_time(message.get("create_time")),
        parent,
        hidden=not is_visible(message),
        recipient=recipient_of(message),
    )


def _text_of(message: dict[str, Any]) -> str:
    if not isinstance(message.get("content"), dict):
        return ""
    if is_question(message):
        return message_text(message)  # the text is unchanged, so that it can be sent again
    return clean_text(message_text(message) if is_visible(message) else hidden_text(message))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
