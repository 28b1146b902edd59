"""The hidden command that the background process of `ask --detach` runs."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ..client_factory import client_from_environment
from ..detached import answer_starter, errors_to_starter, read_request
from ..exit_codes import errors_as_exit_codes
from ..output.consoles import logging_to_stderr
from ..state.conversation_lookup import find_position
from ..state.last_conversation import remember_conversation
from ..titles import request_title

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI, Job


def run_in_background() -> None:
    """Read a request from standard input, send its message as a job, and wait for the reply."""
    request = read_request()
    with errors_as_exit_codes(), logging_to_stderr(1), ExitStack() as stack:
        with errors_to_starter():
            api = stack.enter_context(client_from_environment(**request["client"]))
            job = _submit(api, request)
        answer_starter({"job_id": job.id})
        reply = job.wait()
        remember_conversation(reply.conversation_id, reply.message_id, reply)
        if request["conversation"] is None and reply.conversation_id:
            request_title(api, reply.conversation_id, reply.message_id)


def _submit(api: ChatGPTAPI, request: dict[str, Any]) -> Job:
    position = find_position(api, request["conversation"])
    return api._submit(
        request["text"],
        job_id=request["job_id"],
        keep_text=request["keep_text"],
        **(position._asdict() if position else {}),
        **request["message"],
    )
