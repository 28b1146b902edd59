"""The results of the tools. A result has two forms: a dataclass for programs, and a text for the model.

The SDK derives the schemas of the results from the dataclasses.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mcp.types import CallToolResult, TextContent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._client.jobs import AsyncJob
    from .._core.reply import Reply
    from .._protocol.backend import ConversationSummary
    from .._protocol.history import History, HistoryMessage


@dataclass(frozen=True)
class FileInfo:
    """A file of a reply, without its content. The tool `get_file` returns the content."""

    id: str
    name: str
    kind: str
    media_type: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class Source:
    """A source that a reply cites."""

    title: str | None
    url: str | None


@dataclass(frozen=True)
class Answer:
    """The reply to a message. If `text` is empty and `job_id` is not None, the tool `wait` returns the reply of the job."""

    state: str
    text: str = ""
    conversation_id: str | None = None
    message_id: str | None = None
    job_id: str | None = None
    model: str | None = None
    files: list[FileInfo] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)


@dataclass(frozen=True)
class JobInfo:
    """A job: a message whose reply is fetched later."""

    job_id: str
    state: str
    created_at: str
    conversation_id: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class ConversationInfo:
    """An entry of the list of conversations."""

    conversation_id: str
    title: str | None
    updated_at: str | None


@dataclass(frozen=True)
class MessageInfo:
    """A message of a conversation."""

    message_id: str
    role: str
    text: str
    files: list[FileInfo] = field(default_factory=list)


@dataclass(frozen=True)
class ConversationContent:
    """A conversation with its newest messages, oldest first. `omitted` is the number of older messages that were left out."""

    conversation_id: str
    title: str | None
    messages: list[MessageInfo]
    omitted: int = 0


@dataclass(frozen=True)
class SavedFile:
    """A file that `get_file` has saved."""

    path: str
    size: int


def answer_of(reply: Reply[Any], job_id: str | None = None) -> Answer:
    """Return the answer for a whole reply. A source that the reply cites several times is listed once."""
    sources = {(citation.title, citation.url): None for citation in reply.citations}
    return Answer(
        "done",
        reply.text,
        reply.conversation_id,
        reply.message_id,
        job_id,
        reply.model,
        files_of(reply.files),
        [Source(title, url) for title, url in sources],
    )


def job_info(job: AsyncJob) -> JobInfo:
    """Return the description of a job."""
    error = None if job.error is None else describe_error(job.error)
    return JobInfo(job.id, job.state, job.created_at.isoformat(), job.conversation_id, error)


def conversation_info(summary: ConversationSummary) -> ConversationInfo:
    """Return the description of a conversation."""
    time = summary.update_time or summary.create_time
    return ConversationInfo(summary.id, summary.title, None if time is None else time.isoformat())


def conversation_content(history: History, limit: int) -> ConversationContent:
    """Return the newest messages of a conversation, at most `limit`. Hidden messages are left out unless they have files."""
    shown = [message for message in history.messages if not message.hidden or message.files]
    newest = [message_info(message) for message in shown[-limit:]]
    return ConversationContent(history.conversation_id, history.title, newest, len(shown) - len(newest))


def message_info(message: HistoryMessage) -> MessageInfo:
    """Return the description of a message. The text of a hidden message is left out."""
    return MessageInfo(
        message.id, message.role, "" if message.hidden else message.text, files_of(message.files)
    )


def files_of(files: Iterable[Any]) -> list[FileInfo]:
    """Return the descriptions of files."""
    return [FileInfo(file.id, file.name, file.kind, file.media_type, file.size) for file in files]


def describe_error(error: BaseException) -> str:
    """Return the name of an error's class and its message. If a part of the reply was received, it is appended."""
    text = f"{type(error).__name__}: {error}"
    partial = getattr(error, "partial_text", "")
    return f"{text}\n\nThe reply so far:\n{partial}" if partial else text


def tool_result(result: Any, *texts: str) -> CallToolResult:
    """Return a tool result: the texts for the model, and the fields of `result` for programs."""
    return CallToolResult(
        content=[TextContent(text=text) for text in texts if text],
        structured_content=asdict(result),
    )


def job_result(job: AsyncJob) -> CallToolResult:
    """Return the result of `ask` or `wait` for an incomplete reply: the state and the id of the job."""
    return tool_result(
        Answer(job.state, conversation_id=job.conversation_id, job_id=job.id),
        f"The state of job {job.id} is {job.state}. To get the reply, call the tool `wait` with "
        f'job_id="{job.id}". Do not send the message again.',
    )


def answer_result(reply: Reply[Any], job_id: str | None = None) -> CallToolResult:
    """Return the result of `ask` or `wait` for a complete reply: the text, followed by the ids, files and sources."""
    answer = answer_of(reply, job_id)
    notes = [f"conversation: {answer.conversation_id}"] if answer.conversation_id else []
    notes += [f"model: {answer.model}"] if answer.model else []
    notes += [f"file: {describe_file(file)}" for file in answer.files]
    notes += [f"source: {' '.join(filter(None, (source.title, source.url)))}" for source in answer.sources]
    return tool_result(answer, answer.text, "\n".join(notes))


def conversation_result(content: ConversationContent) -> CallToolResult:
    """Return the result of `get_conversation`, with the messages as Markdown."""
    parts = [f"# {content.title or 'Untitled'}"]
    if content.omitted:
        parts.append(f"({content.omitted} earlier messages are left out.)")
    for message in content.messages:
        files = "\n".join(f"file: {describe_file(file)}" for file in message.files)
        parts.append(f"## {message.role}\n\n" + "\n\n".join(filter(None, (message.text, files))))
    return tool_result(content, "\n\n".join(parts))


def describe_file(file: FileInfo) -> str:
    """Return one line about a file."""
    size = "" if file.size is None else f", {file.size:,} bytes"
    return f"{file.name} ({file.kind}{size}, id {file.id})"
