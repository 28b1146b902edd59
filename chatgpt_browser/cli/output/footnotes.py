"""Shows the citations of a reply as footnotes: marks in the text, and a numbered list of sources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .code_ranges import code_at, code_ranges, insert_outside_code
from .terminal_text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chatgpt_browser import Citation

_SPECIAL = re.compile(r"([\\\[\]`*_<>])")


class Footnotes:
    """The footnotes of one reply. Citations of the same source have the same number."""

    def __init__(self, citations: Sequence[Citation]) -> None:
        self._citations = citations
        self._numbers: dict[tuple[str | None, str | None], int] = {}
        self._sources: list[Citation] = []
        for citation in citations:
            if _key(citation) not in self._numbers:
                self._sources.append(citation)
                self._numbers[_key(citation)] = len(self._sources)

    def mark(self, text: str, form: Callable[[int], str] = "[{}]".format) -> str:
        """Return the text with a mark after each cited passage. `form(number)` returns the text of a mark.

        If a passage ends in code, the mark follows the code.
        """
        marks = {
            (citation.end, self._numbers[_key(citation)]): None
            for citation in self._citations
            if citation.end is not None and citation.end <= len(text)
        }
        if not marks:
            return text
        ranges = code_ranges(text)
        # If several passages end in the same code, all their marks are placed at the end of the code.
        hits = code_at({end for end, _ in marks}, ranges)
        final = {(hits[end].end if end in hits else end, number) for end, number in marks}
        hits = code_at({end for end, _ in final}, ranges)
        for end, number in sorted(final, reverse=True):
            text = insert_outside_code(text, end, form(number), hits.get(end))
        return text

    def lines(self) -> list[str]:
        """Return a line of plain text for each source, in the order of the sources' numbers."""
        return [
            f"[{number}] " + ", ".join(filter(None, (_title(source), source.source, source.url)))
            for number, source in enumerate(self._sources, start=1)
        ]

    def definitions(self, form: Callable[[int], str]) -> list[str]:
        """Return the definition of each footnote, as Markdown. `form(number)` returns the label of a footnote."""
        return [f"{form(number)}: {_link(source)}" for number, source in enumerate(self._sources, start=1)]


def _key(citation: Citation) -> tuple[str | None, str | None]:
    return (citation.url, None) if citation.url else (None, citation.title)


def _title(source: Citation) -> str:
    return one_line(source.title or "")


def _link(source: Citation) -> str:
    """Return a Markdown link to a source. The title and the address come from the site, so special characters are escaped."""
    title = _escaped(_title(source) or one_line(source.url or "") or "source")
    name = f" ({_escaped(one_line(source.source))})" if source.source else ""
    if not source.url:
        return title + name
    address = re.sub(r"[\s<>\\]", "", source.url)
    return f"[{title}](<{address}>){name}"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
