"""Reply faults: replies that stall, end early or are malformed.

The docstring of a fault's function is the description of the fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..script.gate import Gate
from ..script.responses import Answer
from ..script.side_messages import Aside
from ..script.steps import Reply, split_words
from .fault import reply_fault


@reply_fault
def stall_in_the_middle(reply: Reply) -> Reply:
    """Stop halfway through the reply and keep the connection open."""
    return replace(reply, hold_after=_half(reply), gate=Gate())


@reply_fault
def broken_body(reply: Reply) -> Reply:
    """Break the connection halfway through the reply."""
    return replace(reply, break_after=_half(reply))


@reply_fault
def broken_body_continued(reply: Reply) -> Reply:
    """Break the connection halfway through the reply. The rest of the answer appears only in the stored conversation."""
    return replace(reply, break_after=_half(reply), continues=True)


@reply_fault
def websocket_answer(reply: Reply) -> Reply:
    """Respond with JSON that names a WebSocket. The answer appears only in the stored conversation."""
    return replace(reply, as_json=True)


@reply_fault
def withheld_answer(reply: Reply) -> Reply:
    """End the reply with a moderation event that withholds the answer."""
    return replace(reply, withheld="This content may violate our usage policies.")


@reply_fault
def tool_failed(reply: Reply) -> Reply:
    """End the reply after a `system_error` message, without an answer."""
    return replace(reply, asides=[Aside.system_error()], has_answer=False)


@reply_fault
def image_pending(reply: Reply) -> Reply:
    """End the reply after the announcement of an image, without an answer."""
    return replace(reply, asides=[Aside.image_task()], has_answer=False)


@reply_fault
def length_limit(reply: Reply) -> Reply:
    """Cut the answer at the maximum length. The client returns it, and logs a warning."""
    return replace(reply, finish="max_tokens")


@reply_fault
def error_event(reply: Reply) -> Reply:
    """End the reply with an event that contains an error."""
    return replace(reply, error="Something went wrong. If this issue persists please contact us.")


@reply_fault
def bad_json(reply: Reply) -> Reply:
    """End the reply with an event that is not valid JSON."""
    return replace(reply, final_status=False, done=False, after_done=b'data: {"message": {"id"\n\n')


@reply_fault
def cut_short(reply: Reply) -> Reply:
    """End the body normally, but halfway through the reply."""
    pieces = reply.pieces if isinstance(reply.pieces, Sequence) else split_words(reply.text)
    return replace(reply, pieces=[*pieces][: _half(reply)], final_status=False, done=False)


@reply_fault
def empty_body(reply: Reply) -> Answer:
    """Respond with 200 and an empty event stream."""
    return Answer(200, b"", content_type="text/event-stream; charset=utf-8")


@reply_fault
def done_missing(reply: Reply) -> Reply:
    """Send the complete reply, but without `[DONE]`. The client returns the reply."""
    return replace(reply, done=False)


@reply_fault
def goes_on_after_done(reply: Reply) -> Reply:
    """Send more data after `[DONE]` and keep the stream open. The client returns the reply."""
    return replace(reply, after_done=b": after the end\n\ndata: {}\n\n", hang_after_done=True)


@reply_fault
def split_characters(reply: Reply) -> Reply:
    """Send each byte separately, which splits characters. The client returns the reply."""
    return replace(reply, byte_by_byte=True)


@reply_fault
def pings(reply: Reply) -> Reply:
    """Send comments, empty events and `ping` events between the other events. The client returns the reply."""
    return replace(reply, comments=True, empty_data=True, ping_events=True)


def _half(reply: Reply) -> int:
    """Return half the number of the reply's pieces, but at least 1. If the pieces come from an iterator, return 1."""
    pieces = split_words(reply.text) if reply.pieces is None else reply.pieces
    return max(1, len(pieces) // 2) if isinstance(pieces, Sequence) else 1
