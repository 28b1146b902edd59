"""`chatgpt-browser history`: list, show, rename and delete the account's conversations."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.rule import Rule
from rich.text import Text

from ..client_factory import client_for_command
from ..command_class import CommandGroup
from ..output.consoles import confirm, out, print_note, shows_markdown, write_json, write_text
from ..output.conversation_formats import as_markdown, author_name, history_object
from ..output.conversation_list import list_newest, write_summaries
from ..output.footnotes import Footnotes
from ..output.reply import print_sources
from ..output.terminal_text import one_line, printable
from ..output.wait_spinner import wait_spinner
from ..shared_options import CONVERSATION_ARGUMENT, ID_FORMS, AsJson, Headed, NoBackground, Verbose
from ..state.conversation_lookup import find_conversation_id, remember_list
from ..state.last_conversation import forget_conversation
from ..titles import with_first_words
from .export_command import export

if TYPE_CHECKING:
    from chatgpt_browser import History

Id = Annotated[str, CONVERSATION_ARGUMENT]
Ids = Annotated[list[str], CONVERSATION_ARGUMENT]
Limit = Annotated[
    int, typer.Option("--limit", "-n", min=1, help="Number of conversations to list.", metavar="NUMBER")
]
ListAll = Annotated[bool, typer.Option("--all", help="List all conversations.")]
Title = Annotated[
    str | None, typer.Argument(help="New title; default: the site generates one.", metavar="TITLE")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")]
HELP = f"""List, show, rename, delete and export conversations.

{ID_FORMS}

Examples:

chatgpt-browser history list

chatgpt-browser history show last

chatgpt-browser history show 2

chatgpt-browser history export --all -o conversations
"""
history: typer.Typer = typer.Typer(cls=CommandGroup, help=HELP, no_args_is_help=True, add_completion=False)


@history.command("list")
def list_(
    limit: Limit = 20,
    everything: ListAll = False,
    as_json: AsJson = False,
    headed: Headed = False,
    no_background: NoBackground = False,
    verbose: Verbose = 0,
) -> None:
    """List conversations, newest first.

    In a pipe, columns are separated by tabs: id, time of the last change (ISO 8601), title.

    Examples:

    chatgpt-browser history list

    chatgpt-browser history list --all | grep -i recipe
    """
    with client_for_command(
        headed=headed, verbose=verbose, as_json=as_json, use_background=not no_background
    ) as api:
        with wait_spinner("the list of conversations"):
            found = list_newest(api, None if everything else limit)
            shown = found if as_json else with_first_words(api, found)

        if as_json:
            remember_list(found)
            write_json([asdict(summary) for summary in found])
        else:
            write_summaries(shown)


@history.command()
def show(
    conversation: Id,
    as_json: AsJson = False,
    headed: Headed = False,
    no_background: NoBackground = False,
    verbose: Verbose = 0,
) -> None:
    """Show a conversation, from the first message to the newest.

    A pipe receives Markdown, in the format of `export`.

    Examples:

    chatgpt-browser history show last

    chatgpt-browser history show 6f1c6c4e-0c1b-4f7e-9d5c-2f1f3e1a7b10 | less
    """
    with client_for_command(
        headed=headed, verbose=verbose, as_json=as_json, use_background=not no_background
    ) as api:
        with wait_spinner("the conversation"):
            found = api.get_history(find_conversation_id(api, conversation))

        if as_json:
            write_json(history_object(found))
        elif shows_markdown():
            print_conversation(found)
        else:
            write_text(as_markdown(found))


def print_conversation(found: History) -> None:
    """Print a conversation on a terminal."""
    from ..output.markdown_renderer import print_markdown

    out.print(one_line(found.title or "") or "Untitled", style="bold")
    for message in found.visible_messages:
        if message.text.strip():
            out.print(Rule(Text(printable(author_name(message.role))), align="left", style="dim"))
            print_markdown(out, Footnotes(message.citations).mark(message.text))
            print_sources(message.citations)


@history.command()
def rename(
    conversation: Id,
    title: Title = None,
    headed: Headed = False,
    no_background: NoBackground = False,
    verbose: Verbose = 0,
) -> None:
    """Change the title of a conversation. Without a title, the site generates one.

    Examples:

    chatgpt-browser history rename last "Bread without yeast"

    chatgpt-browser history rename last
    """
    with client_for_command(headed=headed, verbose=verbose, use_background=not no_background) as api:
        with wait_spinner("the site"):
            conversation_id = find_conversation_id(api, conversation)
            if title is None:
                title = api.generate_title(conversation_id)
            else:
                api.rename_conversation(conversation_id, title)
        print_note(f"renamed {conversation_id}: {title}")


@history.command()
def delete(
    conversations: Ids,
    yes: Yes = False,
    headed: Headed = False,
    no_background: NoBackground = False,
    verbose: Verbose = 0,
) -> None:
    """Delete conversations, like the site's delete button. Ask for confirmation before each.

    Examples:

    chatgpt-browser history delete last

    chatgpt-browser history list | grep Draft | cut -f1 | xargs chatgpt-browser history delete -y
    """
    with client_for_command(headed=headed, verbose=verbose, use_background=not no_background) as api:
        if not (yes or can_confirm()):
            raise typer.BadParameter("standard input is not a terminal, so you cannot be asked: use --yes")

        with wait_spinner("the list of conversations"):
            ids = [find_conversation_id(api, conversation) for conversation in conversations]
        for conversation_id in ids:
            if not yes:
                with wait_spinner("the conversation"):
                    title = api.get_history(conversation_id).title or "Untitled"
                if not confirm(f"Delete “{title}” ({conversation_id})?"):
                    print_note("not deleted")
                    continue
            with wait_spinner("the site"):
                api.delete_conversation(conversation_id)
            forget_conversation(conversation_id)
            print_note(f"deleted {conversation_id}")


def can_confirm() -> bool:
    """Return whether a user can answer a question on standard input."""
    return sys.stdin.isatty()


history.command()(export)
