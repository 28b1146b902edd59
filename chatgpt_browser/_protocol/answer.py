"""Which of a stream's messages is the answer. Pure: no I/O, no clock.

A reply may be several messages: thoughts, calls of tools and what they gave back, remarks on the way, and the answer. The answer
is the assistant's, for everybody (no tool is its recipient), a text, not hidden, and in the channel ``final`` or, where the
site names no channels, in none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

__all__ = [
    "FINAL",
    "Turn",
    "answer_rank",
    "branch",
    "find_answer",
    "is_finished",
    "is_question",
    "is_remark",
    "message_text",
    "newest_turn",
    "role_of",
]

#: The rank of a message that the site itself calls the final one.
FINAL = 4
_CONTENT_TYPES = ("text", "multimodal_text")


def answer_rank(message: Any) -> int:
    """How surely a message is the answer: 0 where it is not. Of two messages with the same rank the newer one is the answer.

    4: it is in the channel ``final``. 3: there is no channel, and it ends the turn. 2: of that nothing is said yet. 1: it does
    not end the turn, so that more is to come after it.
    """
    if not isinstance(message, dict):
        return 0
    content, metadata = message.get("content"), message.get("metadata")
    if role_of(message) != "assistant" or message.get("recipient") not in (None, "all"):
        return 0
    if not isinstance(content, dict) or content.get("content_type", "text") not in _CONTENT_TYPES:
        return 0
    if isinstance(metadata, dict) and metadata.get("is_thinking_preamble_message"):
        return 0
    if _is_hidden(message):
        return 0

    channel = message.get("channel")
    if channel == "final":
        return FINAL
    if channel is not None:
        return 0
    ends = message.get("end_turn")
    return 3 if ends is True else 1 if ends is False else 2


def _is_hidden(message: dict[str, Any]) -> bool:
    metadata = message.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("is_visually_hidden_from_conversation"))


def role_of(message: dict[str, Any]) -> Any:
    """Who speaks, in the older form and in the newer one."""
    author = message.get("author")
    return author.get("role") if isinstance(author, dict) else message.get("role")


def message_text(message: dict[str, Any]) -> str:
    """A message's own text: its parts that are text."""
    parts = message["content"].get("parts")
    if not isinstance(parts, list):
        return ""
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    return "".join(part for part in parts if isinstance(part, str))


def is_remark(message: dict[str, Any]) -> bool:
    """Whether a message is whole and, by the site's own word, not the last of its turn: "Let me look that up."

    An answer that was cut at its greatest length is none: it has another status.
    """
    is_whole = message.get("status") == "finished_successfully"
    return is_whole and message.get("end_turn") is False and message.get("channel") != "final"


def is_finished(message: dict[str, Any]) -> bool:
    """Whether the site has said that nothing more comes to the answer. That nothing comes to a remark tells nothing of it."""
    status = message.get("status")
    is_whole = isinstance(status, str) and status.startswith("finished")
    return message.get("end_turn") is True or (is_whole and not is_remark(message))


def is_question(message: Any) -> bool:
    """Whether a message is one that a person has sent. The site writes some in the user's name that nobody sees."""
    return isinstance(message, dict) and role_of(message) == "user" and not _is_hidden(message)


def find_answer(
    data: Any,
    *,
    questions: Sequence[str | None] = (),
    answer_id: str | None = None,
    after: str | None = None,
) -> dict[str, Any] | None:
    """The answer to a question, out of ``GET /conversation/{id}``; None where there is none yet.

    ``questions`` are the ids that the question may have there. Of several answers to it that one counts which has begun already,
    with the id ``answer_id``, else the first. Where the conversation has no question of these, it is about its newest one, if
    that comes next after ``after``: the message that the question was sent after.
    """
    nodes = _nodes(data)
    asked = next((name for name in questions if name is not None and name in nodes), None)
    answers = _newest_answers(data, after) if asked is None else _answers_to(nodes, asked, answer_id)
    answer: dict[str, Any] | None = None
    for message in answers:
        if answer_rank(message) > (answer_rank(answer) if answer else 0):
            answer = message
    return answer


def _answers_to(nodes: dict[str, Any], question_id: str, answer_id: str | None) -> list[Any]:
    """What has come of one question, the newest first: of several answers all of that which was begun, else of the first."""
    children = _children(nodes)
    begun = {name for name, _ in _way_up(nodes, answer_id)}
    found: list[Any] = []
    at, seen = question_id, {question_id}
    while below := [name for name in children.get(at, ()) if name not in seen]:
        at = next((name for name in below if name in begun), below[0])
        seen.add(at)
        if is_question(message := nodes[at].get("message")):
            break
        found.append(message)
    return found[::-1]


def _children(nodes: dict[str, Any]) -> dict[str, list[str]]:
    """The ids below each node, in the order that the node itself gives, where it gives one."""
    children: dict[str, list[str]] = {}
    for name, node in nodes.items():
        if isinstance(node, dict) and isinstance(parent := node.get("parent"), str):
            children.setdefault(parent, []).append(name)
    for name, below in children.items():
        listed = nodes[name].get("children") if isinstance(nodes.get(name), dict) else None
        if isinstance(listed, list):
            below.sort(key=lambda child: listed.index(child) if child in listed else len(listed))
    return children


def _newest_answers(data: Any, after: str | None) -> list[Any]:
    """What has come of the newest question, the newest first; nothing where that is not the next after ``after``."""
    newest_first = branch(data)
    found: list[Any] = []
    for _, node in newest_first:
        if is_question(message := node.get("message")):
            break
        found.append(message)
    return found if after is None or _is_next(newest_first, after) else []


def _is_next(newest_first: Iterator[tuple[str, dict[str, Any]]], node_id: str) -> bool:
    """Whether a node comes next, but for such as are no person's message."""
    for each, node in newest_first:
        if each == node_id:
            return True
        if is_question(node.get("message")):
            return False
    return False


class Turn(NamedTuple):
    """A question, None where there is none, and the ids of the messages that have come after it, the newest first.

    ``parents`` are those that the next message may be sent after, since what is behind them came to nothing.
    """

    question_id: str | None = None
    message_ids: tuple[str, ...] = ()
    parents: frozenset[str] = frozenset()

    @property
    def ids(self) -> tuple[str, ...]:
        """Of all its messages, the newest first."""
        return self.message_ids if self.question_id is None else (*self.message_ids, self.question_id)


def newest_turn(data: Any, unanswered: Container[str] = ()) -> Turn:
    """The newest turn of a conversation, out of ``GET /conversation/{id}``.

    ``unanswered`` are the ids of questions that came to nothing, or of what such were sent after.
    """
    question: str | None = None
    after: list[str] = []
    parents: list[str] = []
    for node_id, node in branch(data):
        parents.append(node_id)
        if is_question(node.get("message")):
            question = question or node_id
            if node_id not in unanswered and node.get("parent") not in unanswered:
                break
        elif question is None:
            after.append(node_id)
    return Turn(question, tuple(after), frozenset(parents))


def branch(data: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The nodes of a conversation from its newest to its root, each with its id. A tree that loops is followed once."""
    nodes = _nodes(data)
    return _way_up(nodes, data.get("current_node") if nodes else None)


def _way_up(nodes: dict[str, Any], at: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """A node, and those above it to the root."""
    seen: set[str] = set()
    while isinstance(at, str) and at not in seen:
        if not isinstance(node := nodes.get(at), dict):
            return
        seen.add(at)
        yield at, node
        at = node.get("parent")


def _nodes(data: Any) -> dict[str, Any]:
    nodes = data.get("mapping") if isinstance(data, dict) else None
    return nodes if isinstance(nodes, dict) else {}
