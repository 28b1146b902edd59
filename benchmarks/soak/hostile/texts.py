"""Hostile values: texts with control sequences, odd names, and JSON that is damaged, deep, wide or of other types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

__all__ = ["CONTROLS", "Values"]

#: Control sequences and invisible characters. A terminal must receive none of them unchanged. The sequences of the form
#: CSI … m contain a number that no program of ours writes.
CONTROLS = (
    "\x1b]52;c;c29haw==\x07",
    "\x1b]8;;http://attacker.invalid/\x1b\\",
    "\x1b[7777m",
    "\x1b[7777;1H",
    "\x1bc",
    "\x1bP7777\x1b\\",
    "\x9b7777m",
    "\x9d52;c;c29haw==\x9c",
    "\x00",
    "\x7f",
    "\x85",
    "\u202e",
    "\u2066",
    "\u200b",
    "\u2028",
    "\ufeff",
    "\U000e0041",
    "\ufff9",
)
_WORDS = (
    "list[int]",
    "[/]",
    "[red]",
    "[bold",
    ":smile:",
    "[link=http://attacker.invalid]x[/link]",
    "<title",
    "</script>",
    "../../../../etc/x",
    "..",
    ".",
    "/dev/stdout",
    "CON",
    "a\\b",
    "~",
    "$(id)",
    "%s%n",
    "{0.__class__}",
    "--output",
    "\r",
    "\r\n",
    "\n",
    "\t",
    "\b",
    "\ud800",
    "\udfff",
    "\ud83d\ude00",
    "👩‍👩‍👧",
    "🏴",
    "e\u0301" * 3,
    "```perl\n",
    "```\n",
    "|a|b|\n|-|-|\n",
    "$x$",
    "\\(",
    "**",
    "<br>",
    "<!--",
    "&#27;[31m",
    "\ue200cite\ue202turn0\ue201",
    "\ue200",
    "\ue203",
    "word ",
    "",
)
_NUMBERS: tuple[Any, ...] = (0, -1, 1e300, 1e11, -1e18, 10**30, float("inf"), float("nan"), 2**63, 0.1)
_DAMAGED = (
    "",
    "{",
    "null",
    "[]",
    "7",
    '"text"',
    "[" * 100_000,
    '{"a":' * 50_000 + "1" + "}" * 50_000,
    "1" * 10_000,
    '{"detail": "a", "detail": ["b"]}',
    "\ufeff{}",
    "<title" * 50_000,
    "<title>" + "a" * 300_000,
    '{"error": {"message": {"message": {}}}}',
    "{'not': 'json'}",
    '"\\ud800"',
)


class Values:
    """Draws hostile values from a source of random numbers."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def text(self) -> str:
        """Return a short hostile text, or seldom a long one."""
        chance = self.chance
        words = [chance.choice(chance.choice((CONTROLS, _WORDS))) for _ in range(chance.randint(0, 8))]
        return "".join(words) * chance.choice((1, 1, 1, 1, 1, 1, 2, 40, 2000))

    def value(self, depth: int = 3) -> Any:
        """Return any JSON value."""
        chance = self.chance
        kinds = ["text", "number", "constant"] + ["list", "dict"] * (depth > 0)
        kind = chance.choice(kinds)
        if kind == "text":
            return self.text()
        if kind == "number":
            return chance.choice(_NUMBERS)
        if kind == "constant":
            return chance.choice((None, True, False))
        if kind == "list":
            return [self.value(depth - 1) for _ in range(chance.randint(0, 3))]
        return {self.text(): self.value(depth - 1) for _ in range(chance.randint(0, 3))}

    def altered(self, value: Any, probability: float = 0.15) -> Any:
        """Return a copy of a JSON value in which some parts are replaced by hostile ones, or are missing."""
        chance = self.chance
        if chance.random() < probability / 3:
            return self.value()
        if isinstance(value, dict):
            kept = {key: item for key, item in value.items() if chance.random() > probability / 4}
            return {key: self.altered(item, probability) for key, item in kept.items()}
        if isinstance(value, list):
            items = [self.altered(item, probability) for item in value if chance.random() > probability / 4]
            return items * chance.choice((1, 1, 1, 1, 1, 2, 30))
        return self.text() if isinstance(value, str) and chance.random() < probability else value

    def damaged(self) -> str:
        """Return a text that is not the JSON that the client expects."""
        return self.chance.choice(_DAMAGED)

    def document(self, value: Any) -> bytes:
        """Return a JSON document: of the value, of an altered value, or a damaged one."""
        chance = self.chance
        if chance.random() < 0.15:
            return self.damaged().encode("utf-8", "replace")
        data = json.dumps(self.altered(value)).encode()
        if chance.random() < 0.1:
            data = data[: chance.randint(0, len(data))]
        if chance.random() < 0.05:
            data = data.replace(b" ", b"\xff\xfe", 3)
        return data
