"""Reads the prompts of a batch from JSON lines or lines of text, and validates all prompts before the first one is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import typer

from chatgpt_browser import BatchMessage
from chatgpt_browser._core.files import whole_characters

from ..input.standard_input import read_to_end
from ..input.text_checks import text_problem

_JSON_LINES = (".jsonl", ".ndjson")
_TEXT_FIELDS = ("conversation", "conversation_id", "parent_message_id", "model")


class Prompts(NamedTuple):
    """The messages of a file, and the number of the line of each message. The keys of ``lines`` are the ids of the messages."""

    messages: list[BatchMessage]
    lines: dict[str, int]


def read_prompts(path: Path, timeout: float | None = None) -> Prompts:
    """Return the prompts in a file, or in standard input if the path is ``-``.

    The file is read as JSON lines if its name ends in ``.jsonl`` or ``.ndjson``, or if its first line is a JSON object. If a row
    of the file contains an id, the message has this id. Otherwise, the id of the message is the number of its line.

    :param timeout: the time limit for reading standard input, in seconds.
    :raises ChatGPTTimeoutError: standard input did not end within the limit.
    :raises typer.BadParameter: the file cannot be read, or a line is invalid; the error names the line.
    """
    lines = _numbered_lines(_read(path, timeout))
    if path.suffix.lower() in _JSON_LINES or (lines and _is_json_object(lines[0][1])):
        messages = [_parse_message(number, line) for number, line in lines]
    else:
        messages = [BatchMessage(line, id=str(number)) for number, line in lines]
    _check_texts(messages, [number for number, _ in lines])
    _check_unique_ids(messages, [number for number, _ in lines])
    return Prompts(
        messages, {message.id or "": number for message, (number, _) in zip(messages, lines, strict=True)}
    )


def _read(path: Path, timeout: float | None) -> str:
    try:
        data = read_to_end(timeout) if str(path) == "-" else path.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{path} is not UTF-8") from None


def _numbered_lines(text: str) -> list[tuple[int, str]]:
    """Return pairs of a line's number and the line, for all lines that are not blank.

    Lines end at line feeds only. ``str.splitlines`` is not used, because JSON strings may contain other line separators.
    """
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _is_json_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _parse_message(number: int, line: str) -> BatchMessage:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise typer.BadParameter(f"line {number} is not valid JSON: {error}") from None
    if not isinstance(row, dict) or not isinstance(row.get("prompt"), str) or not row["prompt"].strip():
        raise typer.BadParameter(f"line {number} has no `prompt`")
    return BatchMessage(
        row["prompt"],
        id=_parse_id(number, row.get("id")),
        **{name: _parse_text(number, row, name) for name in _TEXT_FIELDS},
    )


def _parse_id(number: int, value: Any) -> str:
    if value is None:
        return str(number)
    if not isinstance(value, (str, int)) or isinstance(value, bool) or value == "":
        raise typer.BadParameter(f"line {number}: `id` must be a string or a number")
    return whole_characters(str(value))


def _parse_text(number: int, row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise typer.BadParameter(f"line {number}: `{name}` must be a string")
    return None if value is None else whole_characters(value)


def _check_texts(messages: list[BatchMessage], numbers: list[int]) -> None:
    for message, number in zip(messages, numbers, strict=True):
        if problem := text_problem(message.text):
            raise typer.BadParameter(f"line {number}: the prompt {problem}")


def _check_unique_ids(messages: list[BatchMessage], numbers: list[int]) -> None:
    seen: dict[str | None, int] = {}
    for message, number in zip(messages, numbers, strict=True):
        if message.id in seen:
            raise typer.BadParameter(f"lines {seen[message.id]} and {number} have the same id: {message.id}")
        seen[message.id] = number
