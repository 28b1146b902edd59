"""Splits a text into pieces that the page's editor accepts, and compares a text with the text that the editor shows."""

from __future__ import annotations

from itertools import pairwise

#: Maximum length of a piece in characters. The site turns pasted text of more than 10,000 characters into an attachment, and may
#: change typed text of more than 16,000 characters.
MAX_PIECE = 8_000
#: A text with more line breaks than this is pasted instead of typed. Chromium types 100 lines in 0.03 s, 250 lines in 0.3 s and
#: 1,200 lines in 4.4 s.
MAX_TYPED_LINES = 100
#: The maximum number of words in a mention of a tool, such as "@Deep research".
_MAX_MENTION = 4
#: Maximum number of characters in the beginning of a message. Copies of the message in the page are found by this beginning.
_BEGINNING = 40


def split_text(text: str) -> list[str]:
    """Split a text into pieces of at most :data:`MAX_PIECE` characters.

    A piece should not end with a line break, because Chromium drops a line break at the end of typed text. So, if possible,
    the text is cut between two characters that are not white space.
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
    """Return the beginning of the first line that is not blank. It is used to find copies of a message in the page."""
    return next((line.strip()[:_BEGINNING] for line in text.splitlines() if line.strip()), "")


def has_same_lines(one: str, other: str) -> bool:
    """Return whether two texts are equal. White space at the end of a text is ignored; a no-break space equals a space."""
    return _normalize(one) == _normalize(other)


def has_same_words(one: str, other: str) -> bool:
    """Return whether two texts have the same words. The amount of white space is ignored, because an editor changes it."""
    return one.split() == other.split()


def with_mention(shown: str, text: str) -> str:
    """Return the text that the message box must show after a tool was chosen.

    Some tools add a mention such as "@Deep research" to the text, and the mention becomes part of the message. If ``shown`` is
    ``text`` with a mention, return ``shown``. Otherwise return ``text``.

    :param shown: the text that the box shows now.
    :param text: the text that was written.
    """
    return shown if is_with_mention(shown, text) else text


def is_with_mention(shown: str, text: str) -> bool:
    """Return whether ``shown`` is ``text`` with a mention of a tool before or after it.

    A mention begins with "@" and has at most four words.
    """
    words, wanted = shown.split(), text.split()
    extra = len(words) - len(wanted)
    if not 0 < extra <= _MAX_MENTION:
        return False
    is_before = words[extra:] == wanted and words[0].startswith("@")
    return is_before or (words[: len(wanted)] == wanted and words[len(wanted)].startswith("@"))


def _normalize(text: str) -> str:
    # An editor shows some spaces as no-break spaces.
    return text.replace("\r\n", "\n").replace("\u00a0", " ").rstrip()
