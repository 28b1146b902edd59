"""Converts names from the site to file names that are safe on every platform."""

from __future__ import annotations

import re
import unicodedata

#: The maximum length of a name, in bytes of UTF-8. Most file systems allow 255 bytes. The remaining bytes leave room for a number
#: such as `` (2)``.
MAX_NAME = 200
#: The maximum length, in bytes, of a suffix that is kept when a name is shortened.
_MAX_SUFFIX = 20
#: Matches the names of devices. Windows reserves these names, with and without a suffix.
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(?:\.|$)",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(r'[<>:"|?*]')
#: The Unicode categories of the characters that are removed from a name: control characters (Cc); format characters, which have
#: no width or change the direction of the text (Cf); surrogates (Cs); unassigned characters (Cn); line and paragraph separators.
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Cn", "Zl", "Zp"))
#: These characters (the joiners) have no width, but they are kept, because emoji and some scripts need them.
_JOINERS = "\u200c\u200d"


def safe_file_name(name: str, default: str = "file") -> str:
    """Return a safe file name without a path, made from ``name``. If ``name`` contains no usable character, return ``default``.

    The result contains no invisible characters and no characters that Windows forbids. The result is not a reserved name of
    Windows, does not start with a dot or a hyphen, and has at most ``MAX_NAME`` bytes.
    """
    name = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    kept = (char for char in name if unicodedata.category(char) not in _INVISIBLE or char in _JOINERS)
    name = _FORBIDDEN.sub("_", " ".join("".join(kept).split()))
    name = _shortened(name.lstrip(". ").rstrip(". "))
    if not name.strip(_JOINERS + "._ "):
        return default
    return f"_{name}" if _RESERVED.match(name) or name.startswith("-") else name


def numbered_name(name: str, number: int) -> str:
    """Return a file name with a number inserted before its suffix. If the number is 1, return the name unchanged."""
    if number == 1:
        return name
    stem, dot, suffix = name.rpartition(".")
    return f"{stem} ({number}){dot}{suffix}" if stem else f"{name} ({number})"


def unique_names(names: list[str]) -> list[str]:
    """Return the names with numbers added to repeated names, so that no two names are equal.

    Names that differ only in upper and lower case count as equal.
    """
    found: list[str] = []
    used: set[str] = set()
    numbers: dict[str, int] = {}  # the number that was added last to a name
    for name in names:
        candidate, number = name, numbers.get(name.casefold(), 1)
        while candidate.casefold() in used:
            number += 1
            candidate = numbered_name(name, number)
        numbers[name.casefold()] = number
        used.add(candidate.casefold())
        found.append(candidate)
    return found


def with_suffix(name: str, suffix: str) -> str:
    """Return a file name with ``suffix`` in place of its present suffix. If the name has no suffix, append ``suffix``."""
    stem, dot, _ = name.rpartition(".")
    return (stem if dot and stem else name) + suffix


def _shortened(name: str) -> str:
    """Return the name, shortened to at most ``MAX_NAME`` bytes. The suffix is kept, unless it is very long."""
    if len(name.encode()) <= MAX_NAME:
        return name
    stem, dot, suffix = name.rpartition(".")
    suffix = dot + suffix
    if not stem or len(suffix.encode()) > _MAX_SUFFIX:
        stem, suffix = name, ""
    room = MAX_NAME - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + suffix
