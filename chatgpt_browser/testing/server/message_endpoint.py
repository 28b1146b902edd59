"""The endpoint `POST /backend-api/conversation`. It checks a message, and plays the step that answers this message."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from ..data.conversations import Conversation, Message, new_conversation
from ..script.cumulative_events import ReplyEvents
from ..script.delta_events import DeltaEvents
from ..script.reply_parts import asides_of
from ..script.responses import Answer
from ..script.scripted import Turn
from ..script.steps import Recorded, Reply
from .continued_playback import ContinuedPlayback
from .downloads import send_files
from .message_validation import PostedMessage, read_message
from .reply_playback import ReplyPlayback, play_recorded
from .step_playback import play
from .turn_log import TurnLog

if TYPE_CHECKING:
    from ..data.conversations import Progress
    from ..data.recorded_request import RecordedRequest
    from .response_writer import ResponseWriter
    from .site import Site


async def answer_message(site: Site, record: RecordedRequest, writer: ResponseWriter) -> None:
    """Respond to a message with the next scripted step. If the message is not accepted, respond with an error."""
    accepted = _check(site, record)
    if isinstance(accepted, Answer):
        await play(accepted, writer)
        return

    posted, conversation = accepted
    record.conversation_id = conversation.id
    with site.message_counter.counting():
        step = await site.script.next_step(_turn(posted, conversation, record))
        if isinstance(step, Reply):
            step = site.injections.damage(step, record)
        if isinstance(step, Recorded):
            await _play_recorded(site, posted, conversation, step, writer)
        elif isinstance(step, Reply):
            await _playback(site, posted, conversation, step).play(writer)
        else:
            await play(step, writer)


def _check(site: Site, record: RecordedRequest) -> tuple[PostedMessage, Conversation] | Answer:
    """Return the message and its conversation. If the message is not accepted, return the error response."""
    refusal = site.session.refuse(record)
    if refusal is None and site.chat_app is not None:
        refusal = site.chat_app.refuse(record)
    if refusal is not None:
        return refusal

    posted = read_message(record)
    if isinstance(posted, Answer):
        return posted
    if posted.model not in site.settings.accepted_models:
        return Answer.model_not_found(posted.model)

    conversation = _conversation_for(site, posted)
    if isinstance(conversation, Answer):
        return conversation
    if posted.id is None:
        question = conversation.newest_question(posted.parent_id)
        if question is None:
            return Answer.parent_not_found()
        posted = replace(posted, id=question.id, text=question.text)
    if site.settings.one_message_at_a_time and site.message_counter.active:
        return Answer.one_message_at_a_time()

    return posted, conversation


def _conversation_for(site: Site, posted: PostedMessage) -> Conversation | Answer:
    """Return the conversation of the message. If the conversation or the parent message does not exist, return a 404.

    A new conversation is not stored here. `_store` stores it when the reply starts.
    """
    if posted.conversation_id is None:
        return new_conversation(posted.parent_id, model=posted.model)

    conversation = site.find_conversation(posted.conversation_id)
    if conversation is None:
        return Answer.conversation_not_found()

    return conversation if posted.parent_id in conversation.messages else Answer.parent_not_found()


def _turn(posted: PostedMessage, conversation: Conversation, record: RecordedRequest) -> Turn:
    question = conversation.messages.get(posted.id or "")
    history = conversation.history(posted.parent_id if question is None else question.parent)
    number = 1 + sum(role == "user" for role, _ in history)
    return Turn(posted.text, history, conversation.id, number, posted.model, record)


async def _play_recorded(
    site: Site, posted: PostedMessage, conversation: Conversation, step: Recorded, writer: ResponseWriter
) -> None:
    user_message = _store(site, posted, conversation)
    step.assign_ids(conversation.id, user_message.id)
    parent = conversation.current_node

    def commit(message_id: str, text: str) -> None:
        with site.lock:
            stored = conversation.add("assistant", text, parent, message_id)
            is_complete = step.end != "broken" or step.final is not None
            stored.text, stored.progress = text, "finished" if is_complete else "interrupted"
        site.changes.notify()

    await play_recorded(step, writer, commit)


def _store(site: Site, posted: PostedMessage, conversation: Conversation) -> Message:
    """Store the conversation, and return the user's message.

    If the user's message is new, add it to the conversation. Afterwards, the newest message of the conversation is the message
    that the answer follows: the user's message or, for the action `continue`, the answer that is continued.
    """
    with site.lock:
        site.conversations[conversation.id] = conversation
        if posted.action == "continue":
            conversation.current_node = posted.parent_id
            return conversation.messages[posted.id or ""]
        return conversation.add("user", posted.text, posted.parent_id, posted.id)


def _playback(
    site: Site, posted: PostedMessage, conversation: Conversation, reply: Reply
) -> ReplyPlayback | ContinuedPlayback:
    user_message = _store(site, posted, conversation)
    if posted.action == "continue":
        reply = replace(reply, echo_user=False)  # The request contains no message of the user.
    with site.lock:
        reply = send_files(site, reply, conversation)
        asides = asides_of(reply)
        side_messages = [conversation.add_aside(each.role, each.text, each.fields()) for each in asides]
        for side_message, aside in zip(side_messages, asides, strict=True):
            side_message.widget_states = [*aside.widget_states]
        parent = conversation.current_node

    answer = Message(str(uuid.uuid4()), parent, "assistant", "")
    other = None
    if reply.alternative is not None:
        other = Message(str(uuid.uuid4()), parent, "assistant", reply.alternative)
    encoder = DeltaEvents if (reply.encoding or site.settings.encoding) == "delta" else ReplyEvents
    events = encoder(reply, conversation.id, user_message, answer, posted.model, side_messages, other)
    fields, final_metadata = events.answer_fields(), events.final_metadata()

    def commit(text: str, unsaid: list[str], progress: Progress) -> None:
        with site.lock:
            stored = conversation.add("assistant", text, parent, answer.id)
            stored.text, stored.fields, stored.unsaid, stored.progress = text, fields, [*unsaid], progress
            stored.create_time, stored.final_metadata = answer.create_time, final_metadata
            if other is not None:
                conversation.add("assistant", other.text, parent, other.id).fields = fields

    if reply.rest is not None:
        return ContinuedPlayback(site, events, TurnLog(conversation.id, reply.rest, reply.newline), commit)
    return ReplyPlayback(events, commit, site.changes, site.settings.pace)
