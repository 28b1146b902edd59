"""Reads the config file, a TOML file, and checks it. Errors contain the path, the line and the key, but no value."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from chatgpt_browser._core.files import read_small_file

from .keys import BY_NAME, KEYS, TABLES

#: The maximum size of the file in bytes.
_MAX_SIZE = 1 << 20
_HEADER = re.compile(r"\s*\[+\s*([^\[\]]+?)\s*\]")
_ASSIGNMENT = re.compile(r"""\s*([\w."'\s-]+?)\s*=""")


class ConfigFileError(typer.BadParameter):
    """The config file cannot be read, is not TOML, or contains an unknown key or an invalid value."""


@dataclass(frozen=True)
class ConfigFile:
    """A config file that was read and checked. ``values`` has the value of each key, and ``lines`` the number of its line."""

    path: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> ConfigFile:
        """Read and check a file. The path of the null device is accepted as an empty file.

        :raises ConfigFileError: the file cannot be read, is not TOML, or contains an unknown key or an invalid value.
        """
        if str(path) == os.devnull:
            return cls(path)
        try:
            text = read_small_file(path, _MAX_SIZE)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigFileError(f"the config file {path} cannot be read: {reason}") from None
        lines = dict(_lines(text))
        values = {}
        for name, value in _flattened(_parsed(path, text)):
            if name not in BY_NAME:
                raise _error(path, lines, name, _unknown(name))
            try:
                values[name] = BY_NAME[name].check(value)
            except ValueError as error:
                raise _error(path, lines, name, f"{name} {error}") from None
        return cls(path, values, lines)

    def source(self, name: str) -> str:
        """Return the place where the file sets a key: the path of the file and, if it is known, the number of the line."""
        return f"{self.path}, line {self.lines[name]}" if name in self.lines else str(self.path)


def default_path() -> Path | None:
    """Return the path of the config file in the platform's config folder, or None if there is no such folder.

    A folder with a relative path is ignored, so that no file in the working directory is read.
    """
    import platformdirs

    folder = platformdirs.user_config_path("chatgpt-browser-api", appauthor=False)
    return folder / "config.toml" if folder.is_absolute() else None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also for a number with more digits than Python converts
        raise ConfigFileError(f"the config file {path} is not valid TOML: {error}") from None


def _flattened(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the names and the values of all keys. The keys of a known table are yielded with the name of the table."""
    for name, value in content.items():
        if name in TABLES and isinstance(value, dict):
            yield from ((f"{name}.{key}", below) for key, below in value.items())
        else:
            yield name, value


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield the name of each key and of each table, with the number of its line."""
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _name(header[1])
            yield table, number
        elif assignment := _ASSIGNMENT.match(line):
            yield _name(f"{table}.{assignment[1]}" if table else assignment[1]), number


def _name(written: str) -> str:
    return re.sub(r"""[\s"']""", "", written)


def _unknown(name: str) -> str:
    """Return the error message for an unknown key, with the known key that is most similar."""
    if name in TABLES:
        example = next(key.example for key in KEYS if key.name.startswith(f"{name}."))
        return f"{name} must be a table: write [{name}] on a line, and {example!r} below it"
    full_names = {key.name.rpartition(".")[2]: key.name for key in KEYS} | {known: known for known in BY_NAME}
    similar = [
        match
        for part in (name, name.rpartition(".")[2])
        for match in difflib.get_close_matches(part.lower(), full_names, n=1)
    ]
    hint = f"did you mean {full_names[similar[0]]}?" if similar else f"known are {', '.join(BY_NAME)}"
    return f"unknown key {name}; {hint}"


def _error(path: Path, lines: Mapping[str, int], name: str, message: str) -> ConfigFileError:
    """Return an error with the line of a key.

    If the line of the key is unknown, use the line of the first key in the table that has the name of this key. If that line is
    unknown, too, use the line of the table that contains this key.
    """
    below = (line for key, line in lines.items() if key.startswith(f"{name}."))
    line = lines.get(name) or next(below, None) or lines.get(name.partition(".")[0])
    return ConfigFileError(f"the config file {path}{f', line {line}' if line else ''}: {message}")
