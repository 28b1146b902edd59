"""Text for a message box: split into pieces that an editor accepts, and compared with what the editor shows."""

from __future__ import annotations

from itertools import pairwise

#: Maximum length of a piece. The site turns pasted text of more than 10,000 characters into an attachment, and may rewrite typed
#: text of more than 16,000.
MAX_PIECE = 8_000
#: Number of lines up to which a text is typed. Chromium needs 0.03 s for 100 lines, 0.3 s for 250 and 4.4 s for 1,200.
MAX_TYPED_LINES = 100
#: Length of the beginning of a message by which it is recognized in the page.
_BEGINNING = 40


def split_text(text: str) -> list[str]:
    """Split a text into pieces of at most :data:`MAX_PIECE` characters.

    A piece ends within a line if possible: Chromium drops a line break at the end of typed text.
    """
    cuts = [0]
    while len(text) - cuts[-1] > MAX_PIECE:
        end = cuts[-1] + MAX_PIECE
        within = (at for at in range(end, cuts[-1], -1) if not _is_beside_space(text, at))
        cuts.append(next(within, end))
    return [text[start:end] for start, end in pairwise([*cuts, len(text)])]


def _is_beside_space(text: str, position: int) -> bool:
    return any(neighbour.isspace() for neighbour in text[position - 1 : position + 1])


def beginning_of(text: str) -> str:
    """Return the beginning of the first line with text, by which the page's copy of a message is recognized."""
    return next((line.strip()[:_BEGINNING] for line in text.splitlines() if line.strip()), "")


def has_same_lines(one: str, other: str) -> bool:
    """Return whether two texts are equal, except for white space at the end and the kind of spaces."""
    return _normalize(one) == _normalize(other)


def has_same_words(one: str, other: str) -> bool:
    """Return whether two texts differ in white space at most: an editor changes line breaks and indentation."""
    return one.split() == other.split()


def _normalize(text: str) -> str:
    # An editor shows some spaces as no-break spaces.
    return text.replace("\r\n", "\n").replace("\u00a0", " ").rstrip()
