"""The states of the session and of the challenge that a test can choose."""

from __future__ import annotations

from typing import Literal, get_args

from .steps import Step

SessionState = Literal["alive", "signed_out", "refresh_error", "challenge"]
#: A response of `GET /api/auth/session`: the response for a state of the session, or a step.
SessionAnswer = SessionState | Step

#: The kind of a challenge page. `passes`: the page's own script passes it. `person`: a person has to click its button.
ChallengeKind = Literal["passes", "person"]


def check_session_answer(answer: SessionAnswer) -> SessionAnswer:
    """Return the answer if it is valid.

    :raises ValueError: if it is an unknown word.
    """
    if isinstance(answer, str) and answer not in get_args(SessionState):
        raise ValueError(f"session_answer must be a step or one of {get_args(SessionState)}, not {answer!r}")

    return answer
