"""The typed events of a reply stream: the values that ``stream.events()`` yields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

from .public import FileT, public_type

if TYPE_CHECKING:
    from .reply import Citation, Reply, ToolCall


@public_type
@dataclass(frozen=True)
class TextDelta:
    """New text of the reply. ``snapshot`` is the whole text so far.

    Usually, ``text`` continues the previous snapshot. But if the site has rewritten earlier text, ``text`` is the part of
    ``snapshot`` that begins at the first difference from the previous snapshot.
    """

    text: str
    snapshot: str = field(repr=False)


@public_type
@dataclass(frozen=True)
class ThoughtDelta:
    """New text of the model's thoughts. An empty line separates two thoughts.

    The last event of the thinking has an empty ``text``, and its ``seconds`` is the duration of the thinking. In all other
    events, ``seconds`` is None.
    """

    text: str
    seconds: float | None = None


@public_type
@dataclass(frozen=True)
class ToolUpdate:
    """A new tool call, or a change of a tool call: its input has grown, its output has arrived, or its status has changed."""

    tool_call: ToolCall


@public_type
@dataclass(frozen=True)
class CitationFound:
    """A source that the reply cites. The positions of the citation refer to the whole text of the reply."""

    citation: Citation


@public_type
@dataclass(frozen=True)
class FileFound(Generic[FileT]):
    """A file of the reply."""

    file: FileT


@public_type
@dataclass(frozen=True)
class Done(Generic[FileT]):
    """The last event: the whole reply."""

    reply: Reply[FileT]


#: An event of a reply stream.
ReplyEvent = TextDelta | ThoughtDelta | ToolUpdate | CitationFound | FileFound[FileT] | Done[FileT]
