"""`chatgpt-browser ask`: send one question and stream the reply to standard output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import shared_options as options
from ..client_factory import client_from_environment
from ..exit_codes import errors_as_exit_codes
from ..input.question import build_question
from ..input.standard_input import PipedInput
from ..jobs.background import start_job
from ..output.consoles import logging_to_stderr, print_note, write_json, write_text
from ..output.reply import print_reply, stream_reply
from ..output.wait_spinner import wait_spinner
from ..state.conversation_lookup import find_position
from ..state.last_conversation import remember_conversation, requested_conversation
from ..titles import request_title

if TYPE_CHECKING:
    from chatgpt_browser import ReplyStream

Message = Annotated[
    list[str] | None,
    typer.Argument(
        help="The question; several words are joined. Piped input is appended to it, or used alone.",
        metavar="MESSAGE",
    ),
]
Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--file",
        "-f",
        help="Append the text of this file to the question; repeat for more files.",
        exists=True,
        dir_okay=False,
        readable=True,
        metavar="FILE",
    ),
]
Detach = Annotated[
    bool,
    typer.Option(
        "--detach",
        help="Write the id of a job and return when the site has accepted the question; see `jobs wait`.",
    ),
]
KeepText = Annotated[
    bool,
    typer.Option("--keep-text", help="With --detach: store the question with the job, not only its hash."),
]
NoStream = Annotated[bool, typer.Option("--no-stream", help="Write the reply when it is complete.")]


def ask(
    message: Message = None,
    file: Files = None,
    continue_last: options.Continue = False,
    conversation: options.ConversationId = None,
    model: options.Model = None,
    timeout: options.Timeout = None,
    as_json: options.AsJson = False,
    no_stream: NoStream = False,
    detach: Detach = False,
    keep_text: KeepText = False,
    plain_text: options.PlainText = False,
    send_via: options.SendViaOption = "auto",
    headed: options.Headed = False,
    verbose: options.Verbose = 0,
) -> None:
    """Ask one question and write the reply to standard output while it arrives.

    On a terminal, Markdown is rendered; a pipe receives the Markdown text.

    [dim]Examples:[/dim]

    chatgpt-browser ask "Why is the sky blue?"

    chatgpt-browser ask --continue "And at sunset?"

    git diff | chatgpt-browser ask "Write a commit message for this:"

    chatgpt-browser ask -f main.py -f test_main.py "What is not tested?"

    chatgpt-browser ask --detach "Compare these two designs in depth." > job

    chatgpt-browser ask --json "Name three rivers." | jq -r .reply
    """
    with errors_as_exit_codes(as_json=as_json), logging_to_stderr(verbose):
        piped = PipedInput(timeout)
        question = build_question(" ".join(message or ()), file or (), piped.read)
        requested = requested_conversation(conversation, continue_last)
        given = {"markdown": not plain_text, "headless": not headed, "model": model, "send_via": send_via}
        if detach:
            write_text(start_job(question, client=given, conversation=requested, keep_text=keep_text) + "\n")
            return
        with client_from_environment(**given) as api:
            started, whole = perf_counter(), no_stream or as_json
            with wait_spinner("the reply") as spinner:
                position = find_position(api, requested)
                with (
                    api.stream_message(
                        question,
                        timeout_ms=options.to_timedelta(piped.seconds_left),
                        **position._asdict() if position else {},
                    ) as stream,
                    naming_conversation(stream),
                ):
                    first_word = started
                    if whole:
                        first_word = read_to_end(stream)
                    else:
                        # With --verbose, the Markdown is not rendered, because log lines would damage its live display.
                        stream_reply(stream, spinner.stop, markdown=not (plain_text or verbose))

            remember_conversation(stream.conversation_id, stream.message_id)
            if as_json:
                write_json(reply_object(stream, api.model, started, first_word))
            elif whole:
                print_reply(stream.text, markdown=not plain_text)
            if position is None and stream.conversation_id is not None:
                request_title(api, stream.conversation_id, stream.message_id)


@contextmanager
def naming_conversation(stream: ReplyStream) -> Iterator[None]:
    """If Ctrl-C interrupts the block, print the id of the conversation, if it is known."""
    try:
        yield
    except KeyboardInterrupt:
        if stream.conversation_id is not None:
            print_note(f"interrupted; the question is in conversation {stream.conversation_id}")
        raise


def read_to_end(stream: ReplyStream) -> float:
    """Read a reply to its end. Return the time (of `perf_counter`) at which the first text arrived."""
    next(stream, None)
    first_word = perf_counter()
    for _ in stream:
        pass

    return first_word


def reply_object(stream: ReplyStream, model: str, started: float, first_word: float) -> dict[str, Any]:
    """Return the JSON object that `--json` writes for a reply.

    The field `model` is the model that the newest event contains. If the event contains no model, it is the requested model.
    """
    return {
        "reply": stream.text,
        "conversation_id": stream.conversation_id,
        "message_id": stream.message_id,
        "model": answering_model(stream.event) or model,
        "seconds": {
            "first_word": round(first_word - started, 3),
            "total": round(perf_counter() - started, 3),
        },
    }


def answering_model(event: dict[str, Any] | None) -> str | None:
    """Return the name of the model that generated the reply, or None if the event does not contain this name."""
    message = event.get("message") if event else None
    metadata = message.get("metadata") if isinstance(message, dict) else None
    slug = metadata.get("model_slug") if isinstance(metadata, dict) else None
    return slug if isinstance(slug, str) else None
