"""`chatgpt-browser history`: the account's past conversations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.rule import Rule

from ._account import account
from ._consoles import err, out, printable, shows_markdown, write_json
from ._conversation_list import newest, write_summaries
from ._export import Format, as_markdown, exported, history_object, speaker
from ._last import complete_id, forget, id_of
from ._parameters import AsJson, Headed, Verbose
from ._target import Target
from ._waiting import waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatgpt_browser import ChatGPTAPI, History

    from ._waiting import Wait

Id = Annotated[
    str,
    typer.Argument(
        help="The conversation's id; `last` is the last one.", metavar="ID", autocompletion=complete_id
    ),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="List so many, the newest first.")]
ListAll = Annotated[bool, typer.Option("--all", help="List them all.")]
Title = Annotated[
    str | None,
    typer.Argument(
        help="The new title; without one, the site makes one.", metavar="TITLE", show_default=False
    ),
]
Ids = Annotated[
    list[str],
    typer.Argument(help="Their ids; `last` is the last one.", metavar="ID", autocompletion=complete_id),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
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

history = typer.Typer(help="List, read, rename, delete and export past conversations.", no_args_is_help=True)


@history.command("list")
def list_(
    limit: Limit = 20,
    everything: ListAll = False,
    as_json: AsJson = False,
    headed: Headed = False,
    verbose: Verbose = 0,
) -> None:
    """List past conversations, the newest first.

    In a pipe the columns are separated by tabs: id, time of the last change (ISO 8601), title.

    [dim]Examples:[/dim]

    chatgpt-browser history list

    chatgpt-browser history list --all | grep -i recipe
    """
    with account(headed=headed, verbose=verbose, as_json=as_json) as api:
        with waiting("the list of conversations"):
            found = newest(api, None if everything else limit)

        if as_json:
            write_json(
                [
                    {
                        "id": c.id,
                        "title": c.title,
                        "create_time": c.create_time,
                        "update_time": c.update_time,
                    }
                    for c in found
                ]
            )
        else:
            write_summaries(found)


@history.command()
def show(
    conversation: Id,
    as_json: AsJson = False,
    headed: Headed = False,
    verbose: Verbose = 0,
) -> None:
    """Show a conversation, from its beginning to its newest message.

    In a pipe it is Markdown, as `export` writes it.

    [dim]Examples:[/dim]

    chatgpt-browser history show last

    chatgpt-browser history show 6f1c6c4e-0c1b-4f7e-9d5c-2f1f3e1a7b10 | less
    """
    with account(headed=headed, verbose=verbose, as_json=as_json) as api:
        with waiting("the conversation"):
            found = api.get_history(id_of(conversation))

        if as_json:
            write_json(history_object(found))
        elif shows_markdown():
            render(found)
        else:
            sys.stdout.write(as_markdown(found))


def render(found: History) -> None:
    """Write a conversation on a terminal."""
    from ._markdown import print_markdown

    out.print(printable(found.title or "Untitled"), style="bold", markup=False)
    for message in found.messages:
        if message.text.strip():
            out.print(Rule(speaker(message.role), align="left", style="dim"))
            print_markdown(out, message.text)


@history.command()
def rename(
    conversation: Id,
    title: Title = None,
    headed: Headed = False,
    verbose: Verbose = 0,
) -> None:
    """Give a conversation another title.

    [dim]Examples:[/dim]

    chatgpt-browser history rename last "Bread without yeast"

    chatgpt-browser history rename last
    """
    with account(headed=headed, verbose=verbose) as api:
        at = id_of(conversation)
        with waiting("the site"):
            if title is None:
                title = api.generate_title(at)
            else:
                api.rename_conversation(at, title)
        say(f"{at} is now called: {printable(title)}")


@history.command()
def delete(
    conversations: Ids,
    yes: Yes = False,
    headed: Headed = False,
    verbose: Verbose = 0,
) -> None:
    """Delete conversations, as the site's own button does. Asks before each.

    [dim]Examples:[/dim]

    chatgpt-browser history delete last

    chatgpt-browser history list | grep Draft | cut -f1 | xargs chatgpt-browser history delete -y
    """
    with account(headed=headed, verbose=verbose) as api:
        if not (yes or can_be_asked()):
            raise typer.BadParameter("nobody can be asked here: say --yes")

        for at in [id_of(conversation) for conversation in conversations]:
            if not yes:
                with waiting("the conversation"):
                    title = api.get_history(at).title
                if not typer.confirm(f"Delete “{printable(title or 'Untitled')}” ({at})?", err=True):
                    say("kept")
                    continue
            with waiting("the site"):
                api.delete_conversation(at)
            forget(at)
            say(f"deleted {at}")


def can_be_asked() -> bool:
    """Whether somebody sits there to answer."""
    return sys.stdin.isatty()


@history.command()
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
        say(f"{written} of {len(wanted)} written to {target.folder}")


def say(text: str) -> None:
    err.print(text, markup=False, soft_wrap=True)
