"""`chatgpt-browser history export`: conversations as files to keep."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..account import account
from ..output.consoles import note
from ..output.conversation import Format, exported
from ..output.conversation_list import newest
from ..output.waiting import waiting
from ..parameters import Headed, Verbose
from ..state.last_conversation import complete_id, id_of
from .export_folder import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatgpt_browser import ChatGPTAPI

    from ..output.waiting import Wait

AnyIds = Annotated[
    list[str] | None,
    typer.Argument(
        help="Their ids; `last` is the last one.",
        metavar="ID",
        autocompletion=complete_id,
        show_default=False,
    ),
]
ExportAll = Annotated[bool, typer.Option("--all", help="Export all conversations.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Write a file for each into this folder, which is made where it lacks.",
        file_okay=False,
        show_default=False,
    ),
]
Form = Annotated[Format, typer.Option("--format", help="What to write.")]


def export(
    conversations: AnyIds = None,
    everything: ExportAll = False,
    output: Output = None,
    form: Form = Format.markdown,
    headed: Headed = False,
    verbose: Verbose = 0,
) -> None:
    """Export conversations, as Markdown or JSON: one to standard output, or each into a file of its own.

    Again with --all and the same folder, only what has changed since is fetched: after a rate limit, go on so.

    [dim]Examples:[/dim]

    chatgpt-browser history export last > talk.md

    chatgpt-browser history export --all -o conversations --format json
    """
    with account(headed=headed, verbose=verbose) as api:
        ids = [id_of(conversation) for conversation in conversations or ()]
        if bool(ids) == everything:
            raise typer.BadParameter("say which conversations to export, by their ids or by --all")
        if output is None:
            if everything or len(ids) > 1:
                raise typer.BadParameter("for more than one conversation, say where to: -o FOLDER")
            with waiting("the conversation"):
                text = exported(api.get_history(ids[0]), form)
            sys.stdout.write(text)
            return

        with waiting("the conversations") as wait:
            export_each(api, Target(output, form), None if everything else ids, wait)


def export_each(api: ChatGPTAPI, target: Target, ids: Sequence[str] | None, wait: Wait) -> None:
    """Write these conversations, one after another; None is all that have changed since they were written."""
    if ids is None:
        wanted = [(c.id, c.title) for c in newest(api, None) if not target.is_up_to_date(c)]
    else:
        wanted = [(at, None) for at in ids]

    written = 0
    try:
        for at, title in wanted:
            wait.what = f"{written + 1} of {len(wanted)}: {title or at}"
            target.write(api.get_history(at))
            written += 1
    finally:
        wait.stop()
        note(f"{written} of {len(wanted)} written to {target.folder}")
