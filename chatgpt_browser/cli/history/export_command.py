"""`chatgpt-browser history export`: write conversations to standard output or to files."""

from __future__ import annotations

import errno
import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatgpt_browser import APIStatusError, ChatGPTError, RateLimitError
from chatgpt_browser._core.files import write_private

from ..client_factory import client_for_command
from ..exit_codes import kind_of
from ..output.consoles import print_note, write_text
from ..output.conversation_formats import Format, format_conversation
from ..output.conversation_list import list_newest
from ..output.saved_files import ConversationFiles
from ..output.terminal_text import one_line
from ..output.wait_spinner import WaitSpinner, wait_spinner
from ..shared_options import CONVERSATION_ARGUMENT, Headed, NoBackground, Verbose
from ..state.conversation_lookup import find_conversation_id
from .export_folder import Entry, ExportFolder
from .rate_limit_waits import RateLimitWaits

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI

#: The export ends after this many consecutive failures.
MAX_FAILURES_IN_A_ROW = 10

#: If an output does not exist yet and its name ends with one of these suffixes, the output is a file. With another name, it is a
#: folder.
FILE_SUFFIXES = (".md", ".markdown", ".txt", ".json")

AnyIds = Annotated[list[str] | None, CONVERSATION_ARGUMENT]
ExportAll = Annotated[bool, typer.Option("--all", help="Export all conversations.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Folder for one file per conversation, created if it does not exist; for one conversation also a file, whose "
        "name ends in .md or .json.",
        metavar="FOLDER",
    ),
]
WithFiles = Annotated[
    bool,
    typer.Option(
        "--files/--no-files",
        help="Also save the files and images of the replies, in a folder beside each Markdown file.",
    ),
]
Form = Annotated[Format, typer.Option("--format", help="Output format.")]


def export(
    conversations: AnyIds = None,
    everything: ExportAll = False,
    output: Output = None,
    form: Form = Format.markdown,
    with_files: WithFiles = True,
    headed: Headed = False,
    no_background: NoBackground = False,
    verbose: Verbose = 0,
) -> None:
    """Export conversations as Markdown or JSON: one to standard output or a file, or several to a folder.

    When --all is used again with the same folder, only conversations that
    changed are fetched. When the site sets a rate limit, the command waits
    as long as the site requests, in total at most 30 minutes. To resume
    after that, run the same command again. A file whose conversation has got another title is replaced.

    Examples:

    chatgpt-browser history export last > talk.md

    chatgpt-browser history export last -o talk.md

    chatgpt-browser history export --all -o conversations --format json
    """
    with client_for_command(headed=headed, verbose=verbose, use_background=not no_background) as api:
        with wait_spinner("the conversation"):
            ids = [find_conversation_id(api, conversation) for conversation in conversations or ()]
        if bool(ids) == everything:
            raise typer.BadParameter("give either the ids of the conversations, or --all")
        if output is None:
            if everything or len(ids) > 1:
                raise typer.BadParameter("more than one conversation needs a folder: -o FOLDER")
            with wait_spinner("the conversation"):
                text = format_conversation(api.get_history(ids[0]), form)
            write_text(text)
            return
        if len(ids) == 1 and names_a_file(output):
            export_to_file(api, ids[0], output, form, with_files=with_files)
            return

        with wait_spinner("the conversations") as spinner:
            code = export_each(
                api, ExportFolder(output, form, with_files), None if everything else ids, spinner
            )
        if code:
            raise typer.Exit(code)


def names_a_file(output: Path) -> bool:
    """Return whether an output is a file: it is an existing file, or it has a file suffix and is not an existing folder."""
    return output.is_file() or (output.suffix.lower() in FILE_SUFFIXES and not output.is_dir())


def export_to_file(
    api: ChatGPTAPI, conversation_id: str, path: Path, form: Format, *, with_files: bool
) -> None:
    """Write one conversation to a file. If the name of the file ends in .json, the format is JSON, otherwise `form`.

    If `with_files` is True and the format is Markdown, also save the conversation's files in a folder beside the file.

    :raises typer.BadParameter: the file cannot be written.
    """
    if path.suffix.lower() == Format.json.suffix:
        form = Format.json
    with wait_spinner("the conversation"):
        history = api.get_history(conversation_id)
    try:
        if with_files and form is Format.markdown:
            history = ConversationFiles(path.parent, f"{path.stem}-files").save(history)
        write_private(path, format_conversation(history, form))
    except OSError as error:
        raise typer.BadParameter(f"cannot write the export: {error}", param_hint="'--output'") from None
    print_note(f"written to {path}")


def export_each(
    api: ChatGPTAPI, folder: ExportFolder, ids: Sequence[str] | None, spinner: WaitSpinner
) -> int:
    """Write conversations to the folder. Return the exit code of the first failure, or 0 if there was no failure.

    If a conversation cannot be read or written, print a line on standard error and export the others. After a rate limit, wait.

    :param ids: the ids of the conversations to write. If it is None, write all conversations whose file is missing or outdated.
    :raises typer.BadParameter: the folder cannot be created.
    :raises ChatGPTError: an error that would occur for every further conversation too.
    """
    try:
        folder.create()
    except OSError as error:
        raise typer.BadParameter(f"cannot write the export: {error}", param_hint="'--output'") from None
    wanted = [Entry(conversation_id) for conversation_id in ids or ()]
    waits = RateLimitWaits()
    for entry in map(Entry.of, waits.read(lambda: list_newest(api, None)) if ids is None else ()):
        if folder.is_up_to_date(entry):
            folder.remove_outdated(entry)
        else:
            wanted.append(entry)

    written, failures = 0, ExportFailures()
    try:
        for number, entry in enumerate(wanted, 1):
            spinner.what = f"{number} of {len(wanted)}: {entry.title or entry.id}"
            with failures.reported(entry):
                history = waits.read(functools.partial(api.get_history, entry.id))
                folder.write(entry if ids is None else Entry.of(history), history)
                written += 1
    finally:
        spinner.stop()
        if wanted:
            print_note(f"{written} of {len(wanted)} written to {folder.path}")
        else:
            print_note(f"nothing to write: {folder.path} is up to date")
    return failures.exit_code


class ExportFailures:
    """Counts and reports the conversations that could not be exported, while the export of the other conversations continues."""

    def __init__(self) -> None:
        #: The exit code of the first failure; 0 if there was no failure.
        self.exit_code: int = 0
        self._in_a_row = 0

    @contextmanager
    def reported(self, entry: Entry) -> Iterator[None]:
        """If the block raises an error that concerns only this conversation, print it instead of raising it.

        :raises ChatGPTError: the error also concerns the other conversations, or there were too many consecutive failures.
        :raises OSError: the disk is full or read-only.
        """
        try:
            yield
        except (APIStatusError, OSError, ValueError) as error:
            self._in_a_row += 1
            if self._ends_export(error):
                raise
            self.exit_code = self.exit_code or (kind_of(error).code if isinstance(error, ChatGPTError) else 1)
            print_note(f"not written: {one_line(entry.id) or 'a conversation without an id'}: {error}")
        else:
            self._in_a_row = 0

    def _ends_export(self, error: Exception) -> bool:
        if isinstance(error, APIStatusError):
            concerns_account = isinstance(error, RateLimitError) or error.status_code in (401, 403)
            return concerns_account or self._in_a_row == MAX_FAILURES_IN_A_ROW
        return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
