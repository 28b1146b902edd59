"""Finds the sources that a message cites, and the positions of the citations in the message's visible text.

The site stores sources in three forms:

* ``content_references``: the field ``matched_text`` of a reference contains the text of the mark to which the reference belongs.
* ``citations``, the older form: each citation has the number of a mark such as ``【3†source】``.
* ``search_result_groups``: the search results. If no reference belongs to a mark, the number in the mark identifies a search
  result.

In the first two forms, the site also sends offsets. The offsets are not read, because they are often wrong or zero.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from .._core.reply import Citation
from .citation_marks import VisiblePositions, find_marks
from .message import message_metadata, message_text
from .search_results import find_refs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .search_results import SearchResults

#: The fields that contain further sources. They occur in a reference, or in a source of a reference.
_NESTED = ("item", "items", "webpages", "products", "product", "images", "sources", "supporting_websites")
#: The maximum depth of sources within sources.
_MAX_DEPTH = 5
#: Matches a link in the field ``alt`` (Markdown) of a reference. The title and the address of the link may contain pairs of
#: brackets.
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((https?://(?:[^\s()]|\([^\s()]*\))+)")
#: The limit for all searches in one message together: the number of characters that they read (in about 0.2 s). When the limit is
#: reached, the remaining references get no position.
_MAX_SEARCHED = 200_000_000
_NUMBERED_MARK = re.compile("【(\\d+)(?::\\d+)?†[^】【]*】")
#: The types of references that cite no source. The URLs in these references are not returned as sources.
_NO_SOURCE = ("alt_text", "followup_a", "hidden")

_Span = tuple[int, int] | tuple[None, None]
_UNKNOWN: _Span = (None, None)


class _Source(NamedTuple):
    title: str | None
    url: str | None
    attribution: str | None

    def at(self, span: _Span) -> Citation:
        return Citation(self.title, self.url, self.attribution, *span)


def find_citations(message: dict[str, Any], results: SearchResults | None = None) -> list[Citation]:
    """Return the citations of a message. The positions are indexes in the visible Markdown text of the message.

    :param results: the search results of the reply. If it is None, the field ``search_result_groups`` is ignored.
    """
    text = message_text(message) if isinstance(message.get("content"), dict) else ""
    finder = _SpanFinder(text)
    found: list[Citation] = []
    footnotes: list[_Source] = []
    references = merged_references(message)
    for reference in references:
        sources = list(_sources_of(reference))
        if reference.get("type") == "sources_footnote":
            footnotes += sources
        else:
            span = finder.find(reference.get("matched_text"))
            found += [source.at(span) for source in sources]
    found += _numbered_citations(message, finder, found)
    if results is not None:
        matched = [each for item in references if (each := _text(item.get("matched_text")))]
        found += _result_citations(message, finder, results, matched)
    cited = {citation.url for citation in found}
    # A footnote lists the sources of the whole message. Sources that are already cited in the text are left out.
    found += [source.at(_UNKNOWN) for source in footnotes if source.url not in cited]
    return list(dict.fromkeys(found))


def merged_references(message: dict[str, Any], patches: Iterable[list[Any]] = ()) -> list[dict[str, Any]]:
    """Return the ``content_references`` of a message, with the references in ``patches``.

    A reference in a patch replaces the earlier reference that has the same ``type`` and ``matched_text``. If there is no such
    earlier reference, the reference in the patch is appended.
    """
    merged: dict[Any, dict[str, Any]] = {}
    for references in (message_metadata(message).get("content_references"), *patches):
        counts: dict[Any, int] = {}
        for reference in _objects(references):
            key = repr((reference.get("type"), reference.get("matched_text")))
            counts[key] = counts.get(key, 0) + 1
            merged[key, counts[key]] = reference
    return list(merged.values())


class _SpanFinder:
    """Finds the ``matched_text`` of references in the raw text of a message."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self._left = _MAX_SEARCHED  # the number of characters that may still be searched
        self._positions: VisiblePositions | None = None
        #: For each text, the index at which the search for its next occurrence starts.
        self._next: dict[str, int] = {}

    def find(self, matched: Any) -> _Span:
        """Return the span of the next occurrence of a text.

        After the last occurrence, return the first occurrence again. If the text is not found at all, return ``_UNKNOWN``.
        """
        if not isinstance(matched, str) or not matched.strip():
            return _UNKNOWN
        start = self._search(matched, self._next.get(matched, 0))
        if start < 0 and matched in self._next:
            start = self._search(matched, 0)
        if start < 0:
            return _UNKNOWN
        self._next[matched] = start + len(matched)
        return self.span(start, start + len(matched))

    def _search(self, matched: str, start: int) -> int:
        if self._left <= 0:
            return -1
        found = self.raw.find(matched, start)
        self._left -= (len(self.raw) if found < 0 else found) - start
        return found

    def span(self, start: int, end: int) -> _Span:
        """Convert a span of the raw text to a span of the visible text.

        If the span of the raw text is a mark without a visible text, there are two cases:

        * A cited passage ends before the mark, without a text between them. The result is the span of this passage.
        * The cited passage is unknown. The result is an empty span at the position of the mark.
        """
        if self._positions is None:
            self._positions = VisiblePositions(self.raw)
        first, last = self._positions.find(start), self._positions.find(end)
        passage = self._positions.passages.get(start) if first == last else None
        if passage is not None:
            return self._positions.find(passage[0]), self._positions.find(passage[1])
        return first, last


def _sources_of(reference: dict[str, Any]) -> Iterator[_Source]:
    """Yield the sources of a reference of any type."""
    found = list(_nested_sources(reference)) or list(
        _nested_sources({"items": reference.get("fallback_items")})
    )
    if reference.get("type") == "file" and not found:
        title = _text(reference.get("name")) or _text(reference.get("title"))
        found = [_Source(title, None, _text(reference.get("source")))] if title else []
    if not found and reference.get("type") not in _NO_SOURCE:
        links = _LINK.findall(_text(reference.get("alt")) or "")
        urls = [(None, url) for url in _texts(reference.get("safe_urls"))]
        found = [_Source(title or None, url, None) for title, url in links or urls]
    yield from found


def _nested_sources(value: dict[str, Any], depth: int = 0) -> Iterator[_Source]:
    if (url := _text(value.get("url"))) is not None:
        attribution = _text(value.get("attribution")) or _text(value.get("source"))
        yield _Source(_text(value.get("title")) or _text(value.get("name")), url, attribution)
    if depth < _MAX_DEPTH:
        for name in _NESTED:
            below = value.get(name)
            for each in _objects(below if isinstance(below, list) else [below]):
                yield from _nested_sources(each, depth + 1)


def _numbered_citations(
    message: dict[str, Any], finder: _SpanFinder, known: list[Citation]
) -> list[Citation]:
    """Return the citations from the older field ``citations``, without the citations in ``known``."""
    found: list[Citation] = []
    places = {(citation.url, citation.start) for citation in known}
    marks = _NumberedMarks(finder.raw)
    for each in _objects(message_metadata(message).get("citations")):
        about = each.get("metadata")
        about = about if isinstance(about, dict) else {}
        extra = about.get("extra")
        number = extra.get("cited_message_idx") if isinstance(extra, dict) else None
        mark = marks.next(number)
        span = _UNKNOWN if mark is None else finder.span(*mark)
        url = _text(about.get("url"))
        title = _text(about.get("title")) or _text(about.get("name"))
        if (url or title) and places.isdisjoint(((url, span[0]), (url, None))):
            found.append(Citation(title, url, _text(about.get("attribution")), *span))
    return found


def _result_citations(
    message: dict[str, Any], finder: _SpanFinder, results: SearchResults, matched: list[str]
) -> Iterator[Citation]:
    """Yield the citations of the marks that refer to search results.

    ``matched`` contains the ``matched_text`` of each reference. A mark that occurs there is skipped: a reference describes it.
    """
    known = {mark[0] for text in matched for mark in find_marks(text)}
    entries = results.for_message(message)
    for span, mark, refs in find_refs(finder.raw):
        if mark in known:
            continue
        for ref in refs:
            entry = entries.find(ref) or {}
            if (url := _text(entry.get("url"))) is not None:
                source = _Source(_text(entry.get("title")), url, _text(entry.get("attribution")))
                yield source.at(finder.span(*span))


class _NumberedMarks:
    """The marks ``【n†source】`` of a text."""

    def __init__(self, raw: str) -> None:
        self._spans: deque[tuple[int, int]] = deque()
        self._by_number: dict[str, deque[tuple[int, int]]] = {}
        self._used: set[tuple[int, int]] = set()
        for match in _NUMBERED_MARK.finditer(raw):
            self._spans.append(match.span())
            self._by_number.setdefault(match[1], deque()).append(match.span())

    def next(self, number: Any) -> tuple[int, int] | None:
        """Return the span of the next mark with this number, or None. If ``number`` is None, accept any mark."""
        spans = self._spans if number is None else self._by_number.get(str(number), deque())
        while spans:
            span = spans.popleft()
            if span not in self._used:
                self._used.add(span)
                return span
        return None


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str) and item] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
