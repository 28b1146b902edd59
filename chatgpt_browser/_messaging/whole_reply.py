"""The whole reply of a stream, and the typed events of a stream."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic

from .._core.models import QuestionRef
from .._core.public import FileT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from .._core.public import MaybeNone
    from .._core.reply import Reply
    from .._core.reply_events import ReplyEvent
    from .._protocol.file_refs import FileRef
    from .deadline import Deadline
    from .reply_assembler import ReplyAssembler, Update
    from .sender import MessageSender

    #: A function that returns the file object for a reference to a file. The client passes this function.
    BindFile = Callable[[FileRef], FileT]


def keep_ref(ref: FileRef) -> Any:
    """Return the reference itself. Jobs use this function, because the job store contains references instead of file objects."""
    return ref


class WholeReplyMixin(Generic[FileT]):
    """The part of :class:`AsyncReplyStream` that returns the whole reply.

    The modules that read thoughts, tool calls and citations are imported on first use, because a caller that reads only the text
    does not need them.
    """

    _sender: MessageSender
    _question: QuestionRef | None
    _assembler: ReplyAssembler
    _deadline: Deadline
    _bind_file: BindFile[FileT]
    _reply: Reply[FileT] | None = None

    @property
    def reply(self) -> Reply[FileT] | MaybeNone:
        """The whole reply: its text, citations, files, thoughts and tool calls. None until the reply is complete."""
        if self._reply is None and self._assembler.reader.done:
            self._reply = self._collect()
        return self._reply

    async def events(self) -> AsyncIterator[ReplyEvent[FileT]]:
        """Yield the reply as typed events, in the order of their arrival.

        The last event is :class:`Done`, which contains the whole reply. Before this event, the method waits for images that the
        site makes after the end of the stream.

        :raises ChatGPTError: any error that :meth:`AsyncChatGPTAPI.send_message` may raise.
        """
        from .._core.reply_events import CitationFound, Done, FileFound, TextDelta
        from .._protocol.reply_changes import ReplyChanges

        self._expect_images()
        assembler = self._assembler
        changes = ReplyChanges(assembler.reader, with_positions=not assembler.is_plain_text)
        while (updates := await self._next_updates(limit=1, convert=False)) is not None:
            found = list(changes.read())
            for event in found:
                if not isinstance(event, CitationFound):
                    yield event
            piece = assembler.take_piece() if any(update.text is not None for update in updates) else ""
            if piece:
                yield TextDelta(piece, assembler.shown)
            for event in found:
                if isinstance(event, CitationFound):
                    yield event
        if piece := assembler.take_piece(at_end=True):
            yield TextDelta(piece, assembler.shown)
        reply = await self._complete_reply()
        for event in changes.finish(reply):
            yield event
        for file in reply.files:
            yield FileFound(file)
        yield Done(reply)

    async def _next_updates(self, limit: int = 1, *, convert: bool = True) -> list[Update] | None:
        raise NotImplementedError

    async def _complete_reply(self) -> Reply[FileT]:
        """Return the whole reply of a stream that was read to its end."""
        reply = self.reply
        assert reply is not None
        return reply

    async def _wait_for_images(self) -> None:
        """If the caller expects images, wait for the images that the site makes after the end of the stream."""
        reader = self._assembler.reader
        if reader.waits_for_images:
            # Imported on first use, because `send_message` does not wait for images.
            from .image_wait import ImageWait

            with self._deadline.limit():
                await ImageWait(self._sender.backend, reader, self._question or QuestionRef()).run()

    def _expect_images(self) -> None:
        """Make the stream wait for images at its end. Call this method before the stream is read."""
        self._assembler.reader.waits_for_images = True

    def _collect(self) -> Reply[FileT]:
        from .._protocol.delta import copied
        from .._protocol.reply_collector import collect_reply

        assembler = self._assembler
        reader = assembler.reader
        reader.settle()
        reply = collect_reply(
            reader.turn,
            reader.message_id,
            reader.conversation_id or (self._question or QuestionRef()).conversation_id,
            text=reader.text,
            plain_text=assembler.text if assembler.is_plain_text else None,
            model_notice=reader.answer.model_notice,
        )
        # `raw` is copied. Otherwise, the caller and the delta decoder of the reader would share one object.
        whole: Reply[Any] = replace(reply, raw=copied(reply.raw))
        return replace(whole, files=tuple(map(self._bind_file, reply.files)))
