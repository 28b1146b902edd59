"""Makes untrusted text safe for a terminal: escapes replace the characters that a terminal interprets or hides.

The replaced characters are control characters (C0 except line feed and tab, DEL, C1), lone surrogates, direction controls, tag
characters and other invisible characters. Some invisible characters are kept: the joiners and selectors in emoji sequences, and
the joiners between letters of scripts that use joiners (Persian, Hindi).
"""

from __future__ import annotations

import re

_ZWJ = "\u200d"
_UNSAFE = (
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]"
)
_EMOJI_BASE = (
    r"[\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2934\u2935\u2b00-\u2bff\u3030\u303d"
    r"\u3297\u3299\U0001f000-\U0001faff]"
)
_EMOJI = rf"{_EMOJI_BASE}(?:[\ufe0e\ufe0f]|[\U0001f3fb-\U0001f3ff]\ufe0f?)?\u20e3?"
_SEQUENCE = f"{_EMOJI}(?:{_ZWJ}{_EMOJI})*"
_REGION_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,5}\U000e007f"
_KEYCAP_BASE = "0123456789#*"
_KEYCAP = f"[{_KEYCAP_BASE}]\ufe0f\u20e3"
#: Letters and marks of the scripts in which words contain zero-width joiners: the Unicode blocks from Arabic to Sinhala, and the
#: blocks Myanmar, Khmer, Mongolian and others.
_JOINING = (
    r"[\u0620-\u065f\u066e-\u06d3\u06d5\u06e5\u06e6\u06ee-\u06fc\u06ff\u0710-\u074a\u074d-\u07b1\u07ca-\u07f5\u0840-\u085b"
    r"\u0860-\u086a\u0870-\u0887\u0889-\u088e\u08a0-\u08e1\u08e3-\u0963\u0966-\u0dff\u1000-\u1049\u1050-\u109f\u1780-\u17b3"
    r"\u17b6-\u17d3\u1820-\u18aa\ua840-\ua873\U00010d00-\U00010d27\U00011000-\U000110ba\U00011100-\U00011fff"
    r"\U0001e900-\U0001e94b]"
)
#: Characters (viramas) that remove the vowel of the letter before them. A joiner after a virama selects the form of this letter.
#: Such a joiner is kept even if no letter follows.
_VIRAMA = (
    r"[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u1039\u17d2\U00011046\U000110b9\U00011133"
    r"\U000111c0\U00011235]"
)
_JOINERS = "[\u200c\u200d]"
_JOINED = f"(?<={_JOINING}){_JOINERS}(?={_JOINING})|(?<={_VIRAMA}){_JOINERS}"
_TOKEN = re.compile(f"{_REGION_FLAG}|{_KEYCAP}|{_SEQUENCE}|{_JOINED}|({_UNSAFE})")
#: Matches the last characters of a text if their meaning depends on the next character, such as an incomplete emoji sequence.
_UNDECIDED = re.compile(
    f"(?:{_SEQUENCE}{_ZWJ}?|{_JOINING}(?:{_JOINERS}{_JOINING})*{_JOINERS}?|\U0001f3f4[\U000e0020-\U000e007e]{{0,5}}|\r)\\Z"
)
#: The maximum number of characters that `_UNDECIDED` may match.
_MAX_UNDECIDED = 64


def printable(text: str) -> str:
    r"""Return the printable form of a text: escapes such as ``\x1b`` replace characters that a terminal interprets or hides.

    CR LF at the end of a line becomes a line feed.
    """
    return _TOKEN.sub(_escape, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Return a text on one line: a single space replaces each line end and each run of white space."""
    return " ".join(text.split())


def printable_json(document: str) -> str:
    r"""Return a JSON document with JSON escapes such as ``\u009b`` in place of characters that a terminal interprets or hides."""
    return _TOKEN.sub(_escape_json, document)


class PrintableStream:
    """Applies `printable` to a text that arrives in pieces.

    The end of one piece and the start of the next may belong to one emoji sequence, or be the CR and the LF of one line break.
    """

    def __init__(self) -> None:
        self._undecided = ""
        self._last = ""

    def feed(self, piece: str) -> str:
        """Return the printable form of the text that has arrived since the last call, without an undecided end.

        The meaning of an undecided end depends on the next character, so the next call returns it.
        """
        text = self._undecided + piece
        match = _UNDECIDED.search(text, max(0, len(text) - _MAX_UNDECIDED))
        end = match.start() if match else len(text)
        self._undecided = text[end:]
        return self._printable(text[:end])

    def finish(self) -> str:
        """Return the printable form of the end of the text, which `feed` has kept because more text could change its meaning."""
        rest, self._undecided = self._undecided, ""
        return self._printable(rest)

    def _printable(self, text: str) -> str:
        if not text:
            return ""
        before = self._last if self._last in _KEYCAP_BASE else ""
        self._last = text[-1]
        return printable(before + text)[len(before) :]


def _escape(match: re.Match[str]) -> str:
    char = match[1]
    if char is None:
        return match[0]
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escape_json(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[0]
    units = match[1].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
