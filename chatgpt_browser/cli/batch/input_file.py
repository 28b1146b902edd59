"""What a batch is to send: JSON lines or plain lines, all of them checked before the first is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from chatgpt_browser import BatchMessage

if TYPE_CHECKING:
    from pathlib import Path

_JSON_LINES = (".jsonl", ".ndjson")
_TEXTS = ("conversation", "conversation_id", "parent_message_id", "model")


def read_prompts(path: Path) -> list[BatchMessage]:
    """The messages of a file, or of standard input where it is called ``-``; each has an id: its own, or its line's number.

    JSON lines are told by the file's name, else by the first line.

    :raises typer.BadParameter: for what can't be read; the message names the line.
    """
    lines = _numbered(_read(path))
    if path.suffix.lower() in _JSON_LINES or (lines and _is_object(lines[0][1])):
        messages = [_message(number, line) for number, line in lines]
    else:
        messages = [BatchMessage(line, id=str(number)) for number, line in lines]
    _check_ids(messages, [number for number, _ in lines])
    return messages


def _read(path: Path) -> str:
    try:
        data = typer.get_binary_stream("stdin").read() if str(path) == "-" else path.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{path} is not UTF-8") from None


def _numbered(text: str) -> list[tuple[int, str]]:
    """The lines that are not empty. JSON may hold characters at which ``splitlines`` would cut."""
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _message(number: int, line: str) -> BatchMessage:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise typer.BadParameter(f"line {number} is not JSON: {error}") from None
    if not isinstance(row, dict) or not isinstance(row.get("prompt"), str) or not row["prompt"].strip():
        raise typer.BadParameter(f"line {number} has no prompt")
    return BatchMessage(
        row["prompt"], id=_id(number, row.get("id")), **{name: _text(number, row, name) for name in _TEXTS}
    )


def _id(number: int, value: Any) -> str:
    if value is None:
        return str(number)
    if not isinstance(value, (str, int)) or isinstance(value, bool) or value == "":
        raise typer.BadParameter(f"line {number}: an id is a text or a number")
    return str(value)


def _text(number: int, row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise typer.BadParameter(f"line {number}: {name} is a text")
    return value


def _check_ids(messages: list[BatchMessage], numbers: list[int]) -> None:
    seen: dict[str | None, int] = {}
    for message, number in zip(messages, numbers, strict=True):
        if message.id in seen:
            raise typer.BadParameter(f"lines {seen[message.id]} and {number} have the same id: {message.id}")
        seen[message.id] = number
