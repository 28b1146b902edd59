"""The list of slash commands of `chat`, such as `/save`. The method `ChatSession._do_<name>` implements a command."""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = re.compile(r"/\w+")


class SlashCommand(NamedTuple):
    """A slash command: its argument and its description in `/help`."""

    argument: str
    meaning: str


SLASH_COMMANDS = {
    "/new": SlashCommand("", "start a new conversation"),
    "/retry": SlashCommand("", "send the last message again; the new reply replaces the old one"),
    "/open": SlashCommand("[ID]", "continue another conversation, or `last`; without an id, list the newest"),
    "/save": SlashCommand(
        "FILE", "write the conversation to a file: JSON if it ends in .json, else Markdown"
    ),
    "/attach": SlashCommand("[FILE]", "attach a file to the next message; without a file, attach none"),
    "/model": SlashCommand("[NAME]", "use another model from now on; without a name, show the current one"),
    "/effort": SlashCommand(
        "[NAME]", "use another effort from now on, or `default`; without a name, show the current one"
    ),
    "/help": SlashCommand("", "show this list"),
    "/quit": SlashCommand("", "leave; Ctrl-D does the same"),
}


def split_command(line: str) -> tuple[str, str]:
    """Return the name and the argument of a slash command, or two empty strings if the line is a message."""
    name, *rest = line.split(maxsplit=1) or [""]
    if not line.startswith("/") or _NAME.fullmatch(name) is None:
        return "", ""
    return name, rest[0].rstrip() if rest else ""
