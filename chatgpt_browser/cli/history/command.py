"""`chatgpt-browser history`: the account's past conversations."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.rule import Rule

from ..account import account
from ..output.consoles import note, out, printable, shows_markdown, write_json
from ..output.conversation import as_markdown, history_object, speaker
from ..output.conversation_list import newest, write_summaries
from ..output.waiting import waiting
from ..parameters import AsJson, Headed, Verbose
from ..state.last_conversation import complete_id, forget, id_of
from .export import export

if TYPE_CHECKING:
    from chatgpt_browser import History

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
    from ..output.markdown import print_markdown

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
        note(f"{at} is now called: {printable(title)}")


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
                    note("kept")
                    continue
            with waiting("the site"):
                api.delete_conversation(at)
            forget(at)
            note(f"deleted {at}")


def can_be_asked() -> bool:
    """Whether somebody sits there to answer."""
    return sys.stdin.isatty()


history.command()(export)
