"""`Pattern`: a condition that the message of a user meets or does not meet. Patterns can be combined with `&`, `|` and `~`."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import SequenceMatcher

from .leftover import LONGEST_TEXT, short
from .scripted import Turn

# Computing a similarity takes quadratic time. Therefore only this number of characters at the beginning of each text, and at the
# end of a message, is compared.
_COMPARED_CHARACTERS = 1000
# Matches the parts of a regular expression that are not ordinary text: escapes, flags and special characters.
_SYNTAX = re.compile(r"\\.|\(\?[\w<>=!:-]*|[^\w\s]")

#: A text, a compiled pattern, or a function of a `Turn` that returns a bool or a match; see `Pattern`.
Condition = str | re.Pattern[str] | Callable[[Turn], "re.Match[str] | bool | None"]


class Pattern:
    """A condition for messages. Use `&` (and), `|` (or) and `~` (not) to combine patterns.

        >>> server.when(Pattern("weather") & ~Pattern("tomorrow"), "Sunny.")

    :param condition: a text that the message contains, a compiled pattern that is found in the message, or a function that takes
        a `Turn` and returns a bool or a match.
    :raises TypeError: if the condition has another type.
    """

    def __init__(self, condition: Condition) -> None:
        #: The text, or the ordinary text in the regular expression. It is empty if the condition is a function.
        self.text: str = ""
        self._search: Callable[[Turn], re.Match[str] | bool | None]
        if isinstance(condition, str):
            self.text, expression = condition, re.compile(re.escape(condition))
            self._repr = short(condition, LONGEST_TEXT)
            self._condition = f"contains {self._repr}"
            self._search = lambda turn: expression.search(turn.message)
        elif isinstance(condition, re.Pattern) and isinstance(condition.pattern, str):
            self.text = " ".join(_SYNTAX.sub(" ", condition.pattern).split())
            self._repr = short(condition, LONGEST_TEXT)
            self._condition = f"matches {self._repr}"
            self._search = lambda turn: condition.search(turn.message)
        elif callable(condition):
            name = getattr(condition, "__qualname__", repr(condition)).rpartition("<locals>.")[2]
            self._repr, self._condition = name, f"meets the condition {name}"
            self._search = condition
        else:
            raise TypeError(f"a pattern must be a str, a compiled pattern or a function, not {condition!r}")

    def __repr__(self) -> str:
        return self._repr

    def __str__(self) -> str:
        condition = self._condition
        if condition.startswith("not ("):
            return f"a message, but not one that {condition[5:-1]}"
        return f"a message that {condition[1:-1] if condition.startswith('(') else condition}"

    def __and__(self, other: Condition | Pattern) -> Pattern:
        return _combine(self, as_pattern(other), "and", lambda one, two: one and two)

    def __or__(self, other: Condition | Pattern) -> Pattern:
        return _combine(self, as_pattern(other), "or", lambda one, two: one or two)

    def __rand__(self, other: Condition) -> Pattern:
        return as_pattern(other) & self

    def __ror__(self, other: Condition) -> Pattern:
        return as_pattern(other) | self

    def __invert__(self) -> Pattern:
        inverted = Pattern(lambda turn: not self.matches(turn))
        inverted._repr = f"~{_in_parentheses(self._repr)}"
        inverted._condition = f"not {_in_parentheses(self._condition)}"
        return inverted

    def search(self, turn: Turn) -> re.Match[str] | bool:
        """If the message of the turn meets the condition, return the match (True if there is no match object). Else False."""
        found = self._search(turn)
        return found if isinstance(found, re.Match) else bool(found)

    def matches(self, turn: Turn) -> bool:
        """Return whether the message of the turn meets the condition."""
        return bool(self.search(turn))

    def similarity(self, message: str) -> float:
        """Return the share of this pattern's text that the message contains in the same order, from 0 to 1."""
        return similarity(self.text, message)


def similarity(wanted: str, message: str) -> float:
    """Return the share of `wanted` that the message contains in the same order, from 0 to 1. The case is ignored."""
    wanted, message = wanted[:_COMPARED_CHARACTERS].lower(), message.lower()
    parts = {message[:_COMPARED_CHARACTERS], message[-_COMPARED_CHARACTERS:]}
    return max(_contained_share(wanted, part) for part in parts)


def _contained_share(wanted: str, message: str) -> float:
    blocks = SequenceMatcher(None, wanted, message, autojunk=False).get_matching_blocks()
    # Single characters match by chance, so they only decide between messages that are equally near.
    sizes = (block.size if block.size > 1 else block.size / 100 for block in blocks)
    return sum(sizes) / max(1, len(wanted))


def as_pattern(value: Condition | Pattern) -> Pattern:
    """Return a pattern for the value. If the value is a `Pattern` already, return it unchanged."""
    return value if isinstance(value, Pattern) else Pattern(value)


def _in_parentheses(text: str) -> str:
    return text if text.startswith("(") else f"({text})"


def _combine(
    one: Pattern,
    two: Pattern,
    word: str,
    combine: Callable[[re.Match[str] | bool, re.Match[str] | bool], re.Match[str] | bool],
) -> Pattern:
    def search(turn: Turn) -> re.Match[str] | bool:
        found = [one.search(turn), two.search(turn)]
        if not combine(*found):
            return False
        return next((each for each in found if isinstance(each, re.Match)), True)

    combined = Pattern(search)
    combined.text = f"{one.text} {two.text}".strip()
    combined._repr = f"({one!r} {'&' if word == 'and' else '|'} {two!r})"
    combined._condition = f"({one._condition} {word} {two._condition})"
    return combined
