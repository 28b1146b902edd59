"""`Citation`, `Thought` and `ToolCall`: parts of a reply. A test can script each of them in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeVar

from .side_messages import Aside

#: Matches a mark of a citation in the text of an answer.
CITATION_MARK: re.Pattern[str] = re.compile("\ue200[^\ue201]*\ue201")

_FINISHED = "finished_successfully"


@dataclass(frozen=True)
class Citation:
    """A source that a reply cites. The server inserts a mark into the text, as the site does.

        >>> Reply("The sky is blue.", citations=["https://example.org/sky"])
        >>> Reply("Blue. Green.", citations=[Citation("Sky", "https://example.org/sky", after="Blue.")])

    In `Reply.citations`, a text stands for a citation with this `url`. Other objects with the same attributes are also accepted,
    for example the citations of a reply that the client has returned.
    """

    title: str | None = None
    url: str | None = None
    #: The name of the publisher.
    source: str | None = None
    #: The mark is inserted directly after this text. None: the mark is at the end of the reply.
    after: str | None = None
    #: The type of the reference in `content_references`.
    type: str = "grouped_webpages"


@dataclass(frozen=True)
class Thought:
    """A thought of the model. In `Reply.thoughts`, a text stands for a thought with this `summary`.

    If `seconds` is given, the thought is followed by a recap: a message with the duration of the thought.
    """

    summary: str = ""
    text: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class ToolCall:
    """A call of a tool and its output. In `Reply.tool_calls`, a text stands for a call of `python` with this `input`."""

    name: str = "python"
    input: str = ""
    output: str = ""
    #: The status of the output.
    status: str | None = _FINISHED


class ScriptedParts(Protocol):
    """The fields of a `Reply` that this module reads."""

    @property
    def citations(self) -> Sequence[object]: ...  # noqa: D102
    @property
    def thoughts(self) -> Sequence[object]: ...  # noqa: D102
    @property
    def tool_calls(self) -> Sequence[object]: ...  # noqa: D102
    @property
    def asides(self) -> Sequence[Aside]: ...  # noqa: D102


_Part = TypeVar("_Part", Citation, Thought, ToolCall)


def _part(kind: type[_Part], value: object, text_field: str) -> _Part:
    """Convert a scripted value to a part of the class `kind`.

    :param value: the text of the part's field `text_field`, a mapping, or an object with the attributes of the part.
    :raises TypeError: if the value has another type.
    """
    if isinstance(value, kind):
        return value
    if isinstance(value, str):
        by_name: dict[str, Any] = {text_field: value}
        return kind(**by_name)
    if isinstance(value, Mapping):
        return kind(**value)
    found = {each.name: getattr(value, each.name) for each in fields(kind) if hasattr(value, each.name)}
    if text_field not in found:
        raise TypeError(f"expected a str or a {kind.__name__}, not {type(value).__name__}")
    return kind(**found)


def asides_of(reply: ScriptedParts) -> list[Aside]:
    """Return all side messages of a reply: the messages of its thoughts and tool calls, and then `reply.asides`."""
    thoughts = [_part(Thought, each, "summary") for each in reply.thoughts]
    calls = [_part(ToolCall, each, "input") for each in reply.tool_calls]
    return [
        *(aside for thought in thoughts for aside in _thought_asides(thought)),
        *(aside for call in calls for aside in _call_asides(call)),
        *reply.asides,
    ]


def _thought_asides(thought: Thought) -> Iterator[Aside]:
    yield Aside(thought.text, "thoughts", channel="analysis", summary=thought.summary)
    if thought.seconds is not None:
        yield Aside(
            f"Thought for {thought.seconds:g}s",
            "reasoning_recap",
            channel="analysis",
            metadata={"finished_duration_sec": thought.seconds},
        )


def _call_asides(call: ToolCall) -> Iterator[Aside]:
    yield Aside(call.input, "code", recipient=call.name)
    kind = "execution_output" if call.name == "python" else "text"
    yield Aside(call.output, kind, role="tool", name=call.name, status=call.status or _FINISHED)


def content_references(reply: ScriptedParts) -> list[dict[str, Any]]:
    """Return the `content_references` of the answer. The offsets are all zero: the site's offsets are not reliable either."""
    references: list[dict[str, Any]] = []
    for number, each in enumerate(reply.citations):
        citation = _part(Citation, each, "url")
        source = {"title": citation.title, "url": citation.url, "attribution": citation.source}
        about = {"matched_text": _mark(number), "start_idx": 0, "end_idx": 0, "type": citation.type}
        ref = {"turn_index": 0, "ref_type": "search", "ref_index": number}
        references.append(about | {"refs": [ref], "items": [source | {"supporting_websites": []}]})
    return references


def marked_pieces(reply: ScriptedParts, pieces: Sequence[str]) -> list[str]:
    """Return a copy of the pieces of the text. The marks of the citations are inserted into the copy."""
    marked = [*pieces] or [""]
    for number, each in enumerate(reply.citations):
        after = _part(Citation, each, "url").after
        text = "".join(marked)
        at = text.find(after) if after else -1
        _insert(marked, len(text) if at < 0 else at + len(after or ""), _mark(number))
    return marked


def _insert(pieces: list[str], position: int, mark: str) -> None:
    for index, piece in enumerate(pieces):
        if position <= len(piece):
            pieces[index] = piece[:position] + mark + piece[position:]
            return
        position -= len(piece)


def _mark(number: int) -> str:
    return f"\ue200cite\ue202turn0search{number}\ue201"


def check_citations(citations: Sequence[object], text: str, pieces: object) -> None:
    """Check that the marks of citations can be inserted into the text of a reply.

    :raises ValueError: if there are citations and the text is an iterator, or if the text does not contain `Citation.after`.
    """
    if not citations:
        return
    if not (pieces is None or isinstance(pieces, Sequence)):
        raise ValueError("citations need a text or a sequence of pieces, not an iterator")
    whole = text if pieces is None else "".join(pieces)
    for each in citations:
        after = _part(Citation, each, "url").after
        if after is not None and after not in whole:
            raise ValueError(
                f"the text of the reply does not contain {after!r}, after which it cites a source"
            )
