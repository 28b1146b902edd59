"""`POST /backend-api/conversation`: checks a message and makes the playback of what answers it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..data.conversations import Conversation, Message, new_conversation
from ..recording.replay import Recorded, play_recorded
from ..script.cumulative_events import ReplyEvents
from ..script.delta_events import DeltaEvents
from ..script.responses import Answer
from ..script.script import Turn
from ..script.steps import Reply
from .playback import ReplyPlayback, play

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from .response_writer import Wire
    from .site import Site

_ACTIONS = ("next", "variant", "continue")
_Problems = list[tuple[list[Any], str]]


@dataclass(frozen=True)
class PostedMessage:
    """A message that has the right shape."""

    id: str
    text: str
    parent_id: str
    conversation_id: str | None
    model: str


@dataclass(frozen=True)
class Admitted:
    """A message that may be answered, and the conversation that it goes into."""

    posted: PostedMessage
    conversation: Conversation


async def answer_message(site: Site, record: RecordedRequest, wire: Wire) -> None:
    """Answer a message: by an error, or by the next scripted step."""
    admitted = _admit(site, record)
    if isinstance(admitted, Answer):
        await play(admitted, wire)
        return

    record.conversation_id = admitted.conversation.id
    with site.one_more_message():
        step = await site.script.next_step(_turn(admitted, record))
        if isinstance(step, Reply):
            step = site.injections.spoil(step, record)
        if isinstance(step, Recorded):
            await _replayed(site, admitted, step, wire)
        elif isinstance(step, Reply):
            await _playback(site, admitted, step).play(wire)
        else:
            await play(step, wire)


def _admit(site: Site, record: RecordedRequest) -> Admitted | Answer:
    refusal = site.refuse(record)
    if refusal is not None:
        return refusal

    if site.application is not None and (refusal := site.application.refuse(record)) is not None:
        return refusal

    posted = read_message(record)
    if isinstance(posted, Answer):
        return posted

    conversation = _place(site, posted)
    if isinstance(conversation, Answer):
        return conversation
    if site.settings.one_message_at_a_time and site.active_messages:
        return Answer.one_message_at_a_time()

    return Admitted(posted, conversation)


def read_message(record: RecordedRequest) -> PostedMessage | Answer:
    """Take a message out of a request's body; the 422 of the site if it is not in there."""
    try:
        body = record.json
    except ValueError:
        return Answer.unprocessable([(["body"], "not valid JSON")])

    problems = _problems(body)
    if problems:
        return Answer.unprocessable(problems)

    message = body["messages"][-1]
    return PostedMessage(
        id=message["id"],
        text="".join(part for part in message["content"]["parts"] if isinstance(part, str)),
        parent_id=body["parent_message_id"],
        conversation_id=body.get("conversation_id"),
        model=body["model"],
    )


def _problems(body: Any) -> _Problems:
    if not isinstance(body, dict):
        return [(["body"], "value is not a valid dict")]

    problems: _Problems = []
    if body.get("action") not in _ACTIONS:
        problems.append((["body", "action"], f"unexpected value; permitted: {', '.join(_ACTIONS)}"))

    problems += [
        (["body", name], "str type expected")
        for name in ("model", "parent_message_id")
        if not isinstance(body.get(name), str)
    ]
    if not isinstance(body.get("conversation_id"), (str, type(None))):
        problems.append((["body", "conversation_id"], "str type expected"))

    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return [*problems, (["body", "messages"], "ensure this value has at least 1 items")]

    return [
        *problems,
        *(problem for n, each in enumerate(messages) for problem in _message_problems(n, each)),
    ]


def _message_problems(index: int, message: Any) -> _Problems:
    where = ["body", "messages", index]
    if not isinstance(message, dict):
        return [(where, "value is not a valid dict")]

    problems: _Problems = []
    if not _is_uuid(message.get("id")):
        problems.append(([*where, "id"], "value is not a valid uuid"))

    author = message.get("author")
    role = message.get("role", author.get("role") if isinstance(author, dict) else None)
    if role not in ("user", "system"):
        problems.append(([*where, "role"], "unexpected value; permitted: user, system"))

    content = message.get("content")
    if not isinstance(content, dict) or not isinstance(content.get("parts"), list) or not content["parts"]:
        problems.append(([*where, "content", "parts"], "field required"))

    return problems


def _is_uuid(value: object) -> bool:
    try:
        return bool(uuid.UUID(str(value)))
    except ValueError:
        return False


def _place(site: Site, posted: PostedMessage) -> Conversation | Answer:
    """Find the conversation that the message goes into; a new one is not kept before it has a reply."""
    if posted.conversation_id is None:
        return new_conversation(posted.parent_id, model=posted.model)

    conversation = site.find_conversation(posted.conversation_id)
    if conversation is None:
        return Answer.conversation_not_found()

    return conversation if posted.parent_id in conversation.messages else Answer.parent_not_found()


def _turn(admitted: Admitted, record: RecordedRequest) -> Turn:
    posted, conversation = admitted.posted, admitted.conversation
    history = conversation.history(posted.parent_id)
    number = 1 + sum(role == "user" for role, _ in history)
    return Turn(posted.text, history, conversation.id, number, posted.model, record)


async def _replayed(site: Site, admitted: Admitted, step: Recorded, wire: Wire) -> None:
    posted, conversation = admitted.posted, admitted.conversation
    user_message = _take_in(site, admitted)
    step.lives_on_as(conversation.id, posted.id)

    def commit(message_id: str, text: str) -> None:
        with site.lock:
            conversation.add("assistant", text, user_message.id, message_id).text = text
        site.changes.note()

    await play_recorded(step, wire, commit)


def _take_in(site: Site, admitted: Admitted) -> Message:
    posted, conversation = admitted.posted, admitted.conversation
    with site.lock:
        site.conversations[conversation.id] = conversation
        return conversation.add("user", posted.text, posted.parent_id, posted.id)


def _playback(site: Site, admitted: Admitted, reply: Reply) -> ReplyPlayback:
    posted, conversation = admitted.posted, admitted.conversation
    user_message = _take_in(site, admitted)
    with site.lock:
        asides = [conversation.add_aside(aside.role, aside.text, aside.fields()) for aside in reply.asides]
        parent = conversation.current_node

    fields = {} if reply.channel is None else {"channel": reply.channel}
    answer = Message(str(uuid.uuid4()), parent, "assistant", "", fields=fields)

    def commit(text: str, unsaid: list[str]) -> None:
        with site.lock:
            kept = conversation.add("assistant", text, parent, answer.id)
            kept.text, kept.fields, kept.unsaid = text, fields, [*unsaid]

    form = DeltaEvents if (reply.encoding or site.settings.encoding) == "delta" else ReplyEvents
    events = form(reply, conversation.id, user_message, answer, posted.model, asides)
    return ReplyPlayback(events, commit, site.changes, site.settings.pace)
