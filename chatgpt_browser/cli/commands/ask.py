"""`chatgpt-browser ask`: send one question and stream the reply to standard output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from .. import message_options as message_parameters
from .. import shared_options as options
from ..client_factory import client_from_environment
from ..exit_codes import errors_as_exit_codes
from ..input.question import build_question
from ..input.standard_input import PipedInput
from ..jobs.background import start_job
from ..output.consoles import logging_to_stderr, print_note, write_json, write_text
from ..output.reply import print_reply, print_sources, stream_reply
from ..output.reply_object import parts_object
from ..output.reply_pieces import ReplyPieces
from ..output.saved_files import save_reply_files
from ..output.wait_spinner import wait_spinner
from ..state.conversation_lookup import find_position
from ..state.last_conversation import remember_conversation, requested_conversation
from ..titles import request_title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatgpt_browser import ChatGPTAPI, ReplyStream

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


def ask(
    message: Message = None,
    file: Files = None,
    continue_last: options.Continue = False,
    conversation: options.ConversationId = None,
    model: options.Model = None,
    attach: message_parameters.Attach = None,
    effort: message_parameters.Effort = None,
    tool: message_parameters.Tools = None,
    temporary: message_parameters.Temporary = False,
    project: message_parameters.Project = None,
    timeout: options.Timeout = None,
    as_json: options.AsJson = False,
    save_files: options.SaveFiles = None,
    no_stream: options.NoStream = False,
    detach: Detach = False,
    keep_text: KeepText = False,
    plain_text: options.PlainText = False,
    show_thoughts: options.ShowThoughts = False,
    send_via: options.SendViaOption = "auto",
    headed: options.Headed = False,
    no_background: options.NoBackground = False,
    verbose: options.Verbose = 0,
) -> None:
    """Ask one question and write the reply to standard output while it arrives.

    On a terminal, Markdown is rendered; a pipe receives the Markdown text.

    Examples:

    chatgpt-browser ask "Why is the sky blue?"

    chatgpt-browser ask --continue "And at sunset?"

    git diff | chatgpt-browser ask "Write a commit message for this:"

    chatgpt-browser ask -f main.py -f test_main.py "What is not tested?"

    chatgpt-browser ask --attach report.pdf "Summarise this report."

    chatgpt-browser ask --save-files pictures "Draw a red circle."

    chatgpt-browser ask --detach "Compare these two designs in depth." > job

    chatgpt-browser ask --json "Name three rivers." | jq -r .reply
    """
    with errors_as_exit_codes(as_json=as_json), logging_to_stderr(verbose):
        output = ReplyOutput(as_json, save_files, no_stream, plain_text, show_thoughts, verbose)
        check_detached(output, timeout) if detach else check_attached(keep_text)
        piped = PipedInput(timeout)
        question = build_question(" ".join(message or ()), file or (), piped.read)
        requested = requested_conversation(conversation, continue_last)
        arguments = message_parameters.message_arguments(
            send_via, attach=attach, effort=effort, tool=tool, temporary=temporary, project=project
        )
        given = {"markdown": not plain_text, "headless": not headed, "model": model, "send_via": send_via}
        if detach:
            write_text(start_job(question, given, arguments, conversation=requested, keep_text=keep_text))
            return
        with client_from_environment(use_background=not no_background, **given) as api:
            output.write_answer(api, question, requested, piped, arguments)


class ReplyOutput(NamedTuple):
    """The options of `ask` that state how the reply is written."""

    as_json: bool
    save_files: Path | None
    no_stream: bool
    plain_text: bool
    show_thoughts: bool
    verbose: int

    def write_answer(
        self,
        api: ChatGPTAPI,
        question: str,
        requested: str | None,
        piped: PipedInput,
        arguments: dict[str, Any],
    ) -> None:
        """Send the question, and write the reply."""
        started, whole = perf_counter(), self.no_stream or self.as_json
        with wait_spinner("the reply") as spinner:
            position = find_position(api, requested)
            with (
                api.stream_message(
                    question,
                    timeout_ms=options.to_timedelta(piped.seconds_left),
                    **(position._asdict() if position else {}),
                    **arguments,
                ) as stream,
                naming_conversation(stream),
            ):
                first_word = started
                pieces = ReplyPieces(stream, spinner, show_thoughts=self.show_thoughts and not self.as_json)
                if whole:
                    first_word = read_to_end(pieces)
                else:
                    # With --verbose, the Markdown is not rendered, because log lines would damage the live display.
                    stream_reply(pieces, markdown=not (self.plain_text or self.verbose))

        remember_conversation(stream.conversation_id, stream.message_id, stream.reply)
        saved = save_reply_files(stream.reply, self.save_files)
        if self.as_json:
            write_json(reply_object(stream, api.model, started, first_word) | saved)
        elif whole:
            print_whole_reply(pieces, markdown=not self.plain_text)
        if position is None and stream.conversation_id is not None:
            request_title(api, stream.conversation_id, stream.message_id)


def check_detached(output: ReplyOutput, timeout: float | None) -> None:
    """Check that no option for the reply is given: with `--detach`, the options for the reply belong to `jobs wait`.

    :raises typer.BadParameter: an option cannot be combined with `--detach`.
    """
    given = {
        "--timeout SECONDS": timeout,
        "--json": output.as_json,
        "--save-files FOLDER": output.save_files,
        "--no-stream": output.no_stream,
        "--show-thoughts": output.show_thoughts,
    }
    for option, value in given.items():
        if value:
            raise typer.BadParameter(
                f"{option.partition(' ')[0]} cannot be combined with --detach, which writes only the id of the job; use "
                f"`chatgpt-browser jobs wait ID {option}` later"
            )


def check_attached(keep_text: bool) -> None:
    """Reject the options that need `--detach`. Call this if `--detach` is not given.

    :raises typer.BadParameter: `--keep-text` is given.
    """
    if keep_text:
        raise typer.BadParameter("--keep-text needs --detach, because only a job is stored")


def print_whole_reply(pieces: ReplyPieces, *, markdown: bool) -> None:
    """Print the text of a complete reply, and then its sources."""
    print_reply(pieces.text, markdown=markdown)
    print_sources(pieces.citations)


@contextmanager
def naming_conversation(stream: ReplyStream) -> Iterator[None]:
    """If Ctrl-C interrupts the block, print the id of the conversation, if it is known."""
    try:
        yield
    except KeyboardInterrupt:
        if stream.conversation_id is not None:
            print_note(f"interrupted; the question is in conversation {stream.conversation_id}")
        raise


def read_to_end(pieces: Iterable[str]) -> float:
    """Read a reply to its end. Return the time (of `perf_counter`) at which the first text arrived."""
    first_word = None
    for _ in pieces:
        first_word = first_word or perf_counter()

    return first_word or perf_counter()


def reply_object(stream: ReplyStream, model: str, started: float, first_word: float) -> dict[str, Any]:
    """Return the JSON object that `--json` writes for a reply.

    The field `model` is the model that answered. If the site has not stated it, the requested model is used.
    """
    reply = stream.reply
    return {
        "reply": stream.text,
        "conversation_id": stream.conversation_id,
        "message_id": stream.message_id,
        "model": (reply and reply.model) or model,
        **({} if reply is None else parts_object(reply)),
        "seconds": {
            "first_word": round(first_word - started, 3),
            "total": round(perf_counter() - started, 3),
        },
    }
