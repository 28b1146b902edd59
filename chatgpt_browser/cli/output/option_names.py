"""Messages of the library in the terms of the command line: its advice names arguments of Python, the reader has options."""

from __future__ import annotations

#: Arguments of the client as the library's messages write them, and the same for the command line.
IN_COMMAND_LINE_TERMS = {
    'send_via="page"': "--send-via page",
    "headless=False": "--headed",
    "headless=True": "no --headed",
}


def message_of(error: Exception) -> str:
    """Return an error's message with the options of the command line in place of the client's arguments."""
    message = str(error)
    for argument, option in IN_COMMAND_LINE_TERMS.items():
        message = message.replace(argument, option)
    return message
