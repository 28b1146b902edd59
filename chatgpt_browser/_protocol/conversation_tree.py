"""Searches the tree of a stored conversation (``GET /conversation/{id}``) for the newest branch, the newest turn or an answer.

A turn is one question and all messages that answer this question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .message import answer_rank, is_question

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence


def find_answer(
    data: Any,
    *,
    questions: Sequence[str | None] = (),
    answer_id: str | None = None,
    parent_message_id: str | None = None,
) -> dict[str, Any] | None:
    """Return the message that answers a question in a stored conversation, or None if there is no answer yet.

    The question is found by the ids in ``questions``. If the conversation contains none of these ids, the newest question is
    used. If ``parent_message_id`` is given, the newest question must be the first question after this message. If it is not, the
    result is None.

    :param questions: the ids that the question may have in the conversation.
    :param answer_id: if several branches follow the question: the id of a message in the branch to use. If it is None, the first
        branch is used.
    :param parent_message_id: the id of the message to which the question was sent as a reply. If it is None, the newest question
        may follow any message.
    """
    messages = find_turn_messages(
        data, questions=questions, answer_id=answer_id, parent_message_id=parent_message_id
    )
    return newest_answer(messages)


def newest_answer(newest_first: Sequence[Any]) -> dict[str, Any] | None:
    """Return the answer among the messages of one turn (newest first), or None if no message is an answer."""
    # `max` returns the first message with the highest rank. This is the newest one, because the newest message comes first.
    answer: dict[str, Any] | None = max(newest_first, key=answer_rank, default=None)
    return answer if answer_rank(answer) else None


def find_turn_messages(
    data: Any,
    *,
    questions: Sequence[str | None] = (),
    answer_id: str | None = None,
    parent_message_id: str | None = None,
) -> list[Any]:
    """Return the messages that answer a question, newest first. The question is found as in :func:`find_answer`."""
    nodes = _nodes(data)
    question_id = next((name for name in questions if name is not None and name in nodes), None)
    if question_id is None:
        return _messages_after_newest_question(data, parent_message_id)
    return _messages_after_question(nodes, question_id, answer_id)


def find_messages_after(data: Any, questions: Sequence[str | None], answer_id: str | None) -> list[Any]:
    """Return the messages that answer a question, newest first. The question is found only by its ids.

    If the conversation contains none of the ids in ``questions``, the list is empty. :func:`find_answer` describes ``answer_id``.
    """
    nodes = _nodes(data)
    question_id = next((name for name in questions if name is not None and name in nodes), None)
    return [] if question_id is None else _messages_after_question(nodes, question_id, answer_id)


def _messages_after_question(nodes: dict[str, Any], question_id: str, answer_id: str | None) -> list[Any]:
    """Return the messages that answer one question, newest first.

    If several branches follow the question, the branch that contains ``answer_id`` is used, or else the first branch.
    """
    children = _children(nodes)
    preferred = {name for name, _ in _path_to_root(nodes, answer_id)}
    found: list[Any] = []
    at, seen = question_id, {question_id}
    while below := [name for name in children.get(at, ()) if name not in seen]:
        at = next((name for name in below if name in preferred), below[0])
        seen.add(at)
        if is_question(message := nodes[at].get("message")):
            break
        found.append(message)
    return found[::-1]


def _children(nodes: dict[str, Any]) -> dict[str, list[str]]:
    """Return a dict that maps the id of each parent node to the ids of its children, in the order of the parent's list."""
    children: dict[str, list[str]] = {}
    for name, node in nodes.items():
        if isinstance(node, dict) and isinstance(parent := node.get("parent"), str):
            children.setdefault(parent, []).append(name)
    for name, below in children.items():
        listed = nodes[name].get("children") if isinstance(nodes.get(name), dict) else None
        if isinstance(listed, list):
            places = {child: place for place, child in enumerate(listed) if isinstance(child, str)}
            below.sort(key=lambda child: places.get(child, len(places)))
    return children


def _messages_after_newest_question(data: Any, parent_message_id: str | None) -> list[Any]:
    """Return the messages after the newest question, newest first.

    If ``parent_message_id`` is given, but the newest question is not the first question after this message, the list is empty.
    """
    newest_first = newest_branch(data)
    found: list[Any] = []
    for _, node in newest_first:
        if is_question(message := node.get("message")):
            break
        found.append(message)
    return found if parent_message_id is None or _comes_next(newest_first, parent_message_id) else []


def newest_after(data: Any, parent_message_id: str) -> str:
    """Return the id of the newest message of the turn that contains ``parent_message_id``.

    If this turn is not the newest turn of the newest branch, return ``parent_message_id``.
    """
    node = data.get("current_node") if isinstance(data, dict) else None
    if isinstance(node, str) and _comes_next(newest_branch(data), parent_message_id):
        return node
    return parent_message_id


def _comes_next(newest_first: Iterator[tuple[str, dict[str, Any]]], node_id: str) -> bool:
    """Return whether ``newest_first`` yields the node with this id, and yields no question before this node."""
    for each, node in newest_first:
        if each == node_id:
            return True
        if is_question(node.get("message")):
            return False
    return False


class Turn(NamedTuple):
    """A question and the ids of the messages after it, newest first. If there is no question, ``question_id`` is None.

    A new message may use any id in ``parents`` as its ``parent_message_id``. ``parents`` contains the ids of these messages:

    * the messages of this turn;
    * the other answers to this turn's question (the site may show two answers for comparison);
    * if the newest turns have no answer: the messages of all these turns, and of the newest turn that has an answer.
    """

    question_id: str | None = None
    message_ids: tuple[str, ...] = ()
    parents: frozenset[str] = frozenset()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all messages of the turn, including the question, newest first."""
        return self.message_ids if self.question_id is None else (*self.message_ids, self.question_id)


def newest_turn(data: Any, unanswered: Container[str] = ()) -> Turn:
    """Return the newest turn of a stored conversation.

    :param unanswered: the ids of the questions that have no answer. For a question whose id is unknown, ``unanswered`` contains
        the id of the message before the question instead.
    """
    question: str | None = None
    after: list[str] = []
    parents: list[str] = []
    nodes = _nodes(data)
    children = _children(nodes)
    for node_id, node in newest_branch(data):
        parents.append(node_id)
        if is_question(node.get("message")):
            question = question or node_id
            parents += _answers(nodes, children, node_id)
            if node_id not in unanswered and node.get("parent") not in unanswered:
                break
        elif question is None:
            after.append(node_id)
    return Turn(question, tuple(after), frozenset(parents))


def _answers(nodes: dict[str, Any], children: dict[str, list[str]], question_id: str) -> Iterator[str]:
    """Yield the ids of all messages that answer a question, from all branches below the question."""
    pending, seen = [question_id], {question_id}
    while pending:
        for name in children.get(pending.pop(), ()):
            if name not in seen and not is_question(nodes[name].get("message")):
                seen.add(name)
                pending.append(name)
                yield name


def newest_branch(data: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return an iterator over ``(id, node)``, from the newest node of a conversation to the root.

    If the nodes form a cycle, each node is yielded only once.
    """
    nodes = _nodes(data)
    return _path_to_root(nodes, data.get("current_node") if nodes else None)


def _path_to_root(nodes: dict[str, Any], at: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(id, node)`` for the node with the id ``at``, and then for each of its ancestors."""
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
