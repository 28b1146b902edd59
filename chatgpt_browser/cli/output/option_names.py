"""Replaces Python arguments in the library's error messages by the command-line options with the same effect."""

from __future__ import annotations

#: The command-line options with the same effect as arguments of the client. A key is an argument as error messages write it.
IN_COMMAND_LINE_TERMS = {
    'send_via="page"': "--send-via page",
    'send_via="fetch"': "--send-via fetch",
    "headless=False": "--headed",
    "headless=True": "no --headed",
}


def message_of(error: Exception) -> str:
    """Return the message of an error, with command-line options in place of the client's arguments."""
    message = str(error)
    for argument, option in IN_COMMAND_LINE_TERMS.items():
        message = message.replace(argument, option)
    return message
