"""The states of a reply while its stream is read."""

from __future__ import annotations

from enum import Enum
from typing import Any

from .message import has_ended_turn, is_finished, is_remark


class ReplyState(Enum):
    """The state of a reply. The value of each member describes the state.

    These are the transitions while the stream is read::

        WAITING <--------- the chosen message is retracted -------+
           |                                                      |
           | a message is chosen as the answer                    |
           v                                                      |
        UNMARKED, GROWING, REMARK, ENDING, FINISHED --------------+
           |   ^
           |   | another event with a message arrives: the state becomes FINISHED, or the state of a new answer
           |   |
           | the event message_stream_complete arrives (in REMARK, this event has no effect)
           v   |
        COMPLETE

    Whenever the answer changes, :func:`answer_state` selects one of the five states in the middle.

    At the end of the stream, each state leads to one of the following results. With a hand-off, the site announces that the rest
    of the reply is outside this stream.

    ============================  =======================  =======================
    state                         without a hand-off       after a hand-off
    ============================  =======================  =======================
    WAITING, REMARK               StreamInterruptedError   ELSEWHERE
    UNMARKED, GROWING             DONE [1]_                ELSEWHERE
    ENDING, FINISHED, COMPLETE    DONE [1]_                DONE
    ============================  =======================  =======================

    ELSEWHERE becomes DONE when the stored conversation contains the finished answer.

    .. [1] If the body ends without ``[DONE]``, GROWING and ENDING lead to a StreamInterruptedError. So does UNMARKED if the
       stream contains deltas.
    """

    WAITING = "no message is the answer yet"
    UNMARKED = "the answer has no mark that tells whether it is finished (the events of 2022)"
    GROWING = "the answer's status is in_progress"
    REMARK = "the chosen message is a finished remark; the answer is still to come"
    ENDING = "the answer ends the turn, and its status is still in_progress"
    FINISHED = "the answer is finished; other events may follow"
    COMPLETE = "the site has announced that the stream contains nothing more"
    ELSEWHERE = "the stream has ended; the rest is in the stored conversation"
    DONE = "the reply is complete"


class Growth(Enum):
    """The way in which the answer's text grows. If the next event only adds text in the same way, it is read without parsing."""

    NONE = "read the event whole"
    EVENTS = "added text in the event is added text of the answer"
    DELTAS = "the newest delta appended to the answer, and another such delta may follow"


def answer_state(message: dict[str, Any]) -> ReplyState:
    """Return the state of a reply whose answer is this message."""
    is_in_progress = message.get("status") == "in_progress"
    if is_in_progress:
        return ReplyState.ENDING if has_ended_turn(message) else ReplyState.GROWING
    if is_finished(message):
        return ReplyState.FINISHED
    return ReplyState.REMARK if is_remark(message) else ReplyState.UNMARKED
