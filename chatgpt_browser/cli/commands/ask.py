"""`chatgpt-browser ask`: one question, the reply on standard output as it comes."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..client import client_from_environment
from ..exit_codes import errors_as_exit_codes
from ..input.question import whole_question
from ..output.consoles import logging_to_stderr, write_json
from ..output.reply import show_reply, show_whole_reply
from ..output.waiting import waiting
from ..parameters import AsJson, Headed, Model, PlainText, Timeout, Verbose, limit
from ..state.last_conversation import Continue, ConversationId, place_of, remember

if TYPE_CHECKING:
    from chatgpt_browser import ReplyStream

Message = Annotated[
    str | None,
    typer.Argument(
        help="The question. What is piped in follows it, or stands alone.",
        metavar="MESSAGE",
        show_default=False,
    ),
]
Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--file",
        "-f",
        help="Put this file's text into the message, under its name; may be given again.",
        exists=True,
        dir_okay=False,
        readable=True,
        metavar="FILE",
        show_default=False,
    ),
]
NoStream = Annotated[bool, typer.Option("--no-stream", help="Write the reply when it is whole.")]


def ask(
    message: Message = None,
    file: Files = None,
    go_on: Continue = False,
    conversation: ConversationId = None,
    model: Model = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
    no_stream: NoStream = False,
    plain_text: PlainText = False,
    headed: Headed = False,
    verbose: Verbose = 0,
) -> None:
    """Ask one question; the reply goes to standard output as it comes.

    On a terminal its Markdown is rendered; in a pipe it stays as it is.

    [dim]Examples:[/dim]

    chatgpt-browser ask "Why is the sky blue?"

    chatgpt-browser ask --continue "And at sunset?"

    git diff | chatgpt-browser ask "Write a commit message for this:"

    chatgpt-browser ask -f main.py -f test_main.py "What is not tested?"

    chatgpt-browser ask --json "Name three rivers." | jq -r .reply
    """
    with errors_as_exit_codes(as_json=as_json), logging_to_stderr(verbose):
        question, place = whole_question(message, file or ()), place_of(conversation, go_on)
        with client_from_environment(markdown=not plain_text, headless=not headed, model=model) as api:
            began, whole = perf_counter(), no_stream or as_json
            with (
                waiting("the reply") as wait,
                api.stream_message(
                    question, timeout_ms=limit(timeout), **place._asdict() if place else {}
                ) as stream,
            ):
                first_word = began
                if whole:
                    first_word = read(stream)
                    wait.stop()
                else:
                    # Lines of a log would tear what is drawn.
                    show_reply(stream, wait.stop, markdown=not (plain_text or verbose))

            remember(stream.conversation_id, stream.message_id)
            if as_json:
                write_json(reply_object(stream, api.model, began, first_word))
            elif whole:
                show_whole_reply(stream.text, markdown=not plain_text)


def read(stream: ReplyStream) -> float:
    """Read a reply to its end; give the moment of its first word."""
    first_word: float | None = None
    for _ in stream:
        first_word = first_word or perf_counter()

    return first_word or perf_counter()


def reply_object(stream: ReplyStream, model: str, began: float, first_word: float) -> dict[str, Any]:
    """What `--json` tells of a reply. The model is the one that answered, where the site says which."""
    return {
        "reply": stream.text,
        "conversation_id": stream.conversation_id,
        "message_id": stream.message_id,
        "model": answering_model(stream.event) or model,
        "seconds": {"first_word": round(first_word - began, 3), "total": round(perf_counter() - began, 3)},
    }


def answering_model(event: dict[str, Any] | None) -> str | None:
    """The model that an event's message says it is from."""
    message = event.get("message") if event else None
    metadata = message.get("metadata") if isinstance(message, dict) else None
    slug = metadata.get("model_slug") if isinstance(metadata, dict) else None
    return slug if isinstance(slug, str) else None
