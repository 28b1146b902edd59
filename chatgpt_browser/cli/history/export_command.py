"""`chatgpt-browser history export`: write conversations to standard output or to files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatgpt_browser._core.files import write_private

from ..client_factory import client_for_command
from ..output.consoles import print_note, write_text
from ..output.conversation_formats import Format, file_name, format_conversation
from ..output.conversation_list import list_newest
from ..output.wait_spinner import WaitSpinner, wait_spinner
from ..shared_options import CONVERSATION_ARGUMENT, Headed, Verbose
from ..state.conversation_lookup import find_conversation_id

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI, ConversationSummary, History

#: The ends of the names of files.
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
Form = Annotated[Format, typer.Option("--format", help="Output format.")]


def export(
    conversations: AnyIds = None,
    everything: ExportAll = False,
    output: Output = None,
    form: Form = Format.markdown,
    headed: Headed = False,
    verbose: Verbose = 0,
) -> None:
    """Export conversations as Markdown or JSON: one to standard output, or each to a file in a folder.

    When --all is used again with the same folder, only conversations that
    changed are fetched. This also resumes an export after a rate limit.

    [dim]Examples:[/dim]

    chatgpt-browser history export last > talk.md

    chatgpt-browser history export last -o talk.md

    chatgpt-browser history export --all -o conversations --format json
    """
    with client_for_command(headed=headed, verbose=verbose) as api:
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
            export_to_file(api, ids[0], output, form)
            return

        with wait_spinner("the conversations") as spinner:
            export_each(api, ExportFolder(output, form), None if everything else ids, spinner)


def names_a_file(output: Path) -> bool:
    """Return whether an output is a file: it exists as one, or its name ends like one."""
    return output.is_file() or (output.suffix.lower() in FILE_SUFFIXES and not output.is_dir())


def export_to_file(api: ChatGPTAPI, conversation_id: str, path: Path, form: Format) -> None:
    """Write one conversation to a file: JSON if its name ends in .json.

    :raises typer.BadParameter: the file cannot be written.
    """
    if path.suffix.lower() == Format.json.suffix:
        form = Format.json
    with wait_spinner("the conversation"):
        text = format_conversation(api.get_history(conversation_id), form)
    try:
        write_private(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise typer.BadParameter(f"cannot write the export: {error}", param_hint="'--output'") from None
    print_note(f"written to {path}")


def export_each(
    api: ChatGPTAPI, folder: ExportFolder, ids: Sequence[str] | None, spinner: WaitSpinner
) -> None:
    """Write these conversations to the folder; None means all whose file is missing or outdated."""
    if ids is None:
        wanted = [(c.id, c.title) for c in list_newest(api, None) if not folder.is_up_to_date(c)]
    else:
        wanted = [(conversation_id, None) for conversation_id in ids]

    written = 0
    try:
        for conversation_id, title in wanted:
            spinner.what = f"{written + 1} of {len(wanted)}: {title or conversation_id}"
            folder.write(api.get_history(conversation_id))
            written += 1
    finally:
        spinner.stop()
        if wanted:
            print_note(f"{written} of {len(wanted)} written to {folder.path}")
        else:
            print_note(f"nothing to write: {folder.path} is up to date")


@dataclass(frozen=True)
class ExportFolder:
    """A folder of conversations; each file has the time of its conversation's last change."""

    path: Path
    form: Format

    def is_up_to_date(self, summary: ConversationSummary) -> bool:
        """Return whether the conversation's file exists and has the time of the last change."""
        path = self.path / file_name(summary.id, summary.title, summary.create_time, self.form)
        try:
            written = path.stat().st_mtime
        except OSError:
            return False
        # Compared to the second: some file systems store no fractions, and the site does not send the same fraction everywhere.
        changed = summary.update_time
        return changed is not None and abs(written - changed.timestamp()) < 1

    def write(self, history: History) -> None:
        """Write a conversation to its file.

        :raises typer.BadParameter: the file cannot be written.
        """
        name = file_name(history.conversation_id, history.title, history.create_time, self.form)
        path = self.path / name
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            path.write_text(format_conversation(history, self.form), "utf-8")
            if history.update_time is not None:
                os.utime(path, (history.update_time.timestamp(),) * 2)
        except OSError as error:
            raise typer.BadParameter(f"cannot write the export: {error}", param_hint="'--output'") from None
