"""The tools: each calls one method of the client. The descriptions are written for the model that chooses a tool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult
from pydantic import Field

from .._core.background import BackgroundTasks
from .._core.errors import ChatGPTError, ChatGPTTimeoutError
from .files import absolute_path, find_file, read_file, save_file
from .progress import reporting_progress
from .results import (
    Answer,
    ConversationContent,
    ConversationInfo,
    JobInfo,
    answer_result,
    conversation_content,
    conversation_info,
    conversation_result,
    describe_error,
    job_info,
    job_result,
)

if TYPE_CHECKING:
    from .._client.client import AsyncChatGPTAPI

P = ParamSpec("P")
T = TypeVar("T")

#: The default for `timeout` of the tool `wait`, in seconds. Many clients end a request after a minute.
WAIT_TIMEOUT = 50.0

Message = Annotated[str, Field(description="The message to send.")]
OptionalConversation = Annotated[
    str | None,
    Field(description="The id of the conversation to continue. Without it, a new conversation begins."),
]
Conversation = Annotated[str, Field(description="The id of the conversation.")]
Files = Annotated[
    list[str] | None, Field(description="Files to attach: absolute paths on the user's machine.")
]
Model = Annotated[
    str | None, Field(description="The model that replies. Usually left out: the site chooses.")
]
Effort = Annotated[str | None, Field(description="How long the model thinks, for example `extended`.")]
Tools = Annotated[
    list[str] | None,
    Field(description="Tools that the reply must use: `search`, `image` or `deep_research`."),
]
Wait = Annotated[
    bool,
    Field(
        description="If false, return a job id as soon as the site has accepted the message. "
        "Use false for answers that may take longer than a minute, and get the reply with the tool `wait`."
    ),
]
JobId = Annotated[str, Field(description="The id of the job, from `ask` or `jobs`.")]
Timeout = Annotated[
    float,
    Field(
        gt=0,
        description="The number of seconds to wait. After that, the job continues, and you can wait again.",
    ),
]
Limit = Annotated[int, Field(ge=1, le=100, description="The maximum number of entries.")]
Offset = Annotated[int, Field(ge=0, description="The number of newest conversations to leave out.")]
FileName = Annotated[str, Field(description="The id or the name of the file, as a reply lists it.")]
SaveTo = Annotated[
    str | None,
    Field(
        description="An absolute path, or a folder with a slash at the end, where the file is saved. An existing file is not "
        "replaced. Without it, the content is returned."
    ),
]


def as_tool_errors(tool: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Convert library errors, invalid arguments and file errors to tool errors. The message begins with the error's class."""

    @wraps(tool)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await tool(*args, **kwargs)
        except (ChatGPTError, ValueError, TypeError, OSError) as error:
            raise ToolError(describe_error(error)) from error

    return call


class ChatGPTTools:
    """The tools of one server, and the client that they share.

    The first call creates the client. If this fails, for example because no session is saved, the call returns an error, and
    the next call tries again.

    :param open_client: a function that creates the client.
    """

    def __init__(self, open_client: Callable[[], AsyncChatGPTAPI]) -> None:
        self._open_client = open_client
        self._client: AsyncChatGPTAPI | None = None
        self._titles = BackgroundTasks()

    @property
    def _api(self) -> AsyncChatGPTAPI:
        if self._client is None:
            self._client = self._open_client()
        return self._client

    async def close(self) -> None:
        """Close the client, if there is one."""
        await self._titles.cancel()
        if self._client is not None:
            await self._client.close()

    @as_tool_errors
    async def ask(
        self,
        message: Message,
        context: Context[Any, Any],
        conversation: OptionalConversation = None,
        files: Files = None,
        model: Model = None,
        effort: Effort = None,
        tools: Tools = None,
        wait: Wait = True,
    ) -> Annotated[CallToolResult, Answer]:
        """Send a message to ChatGPT, in the user's account, and return the reply.

        The result contains the id of the conversation. Pass it as `conversation` to continue the conversation.
        """
        if not message.strip():
            raise ValueError("the message is empty")
        given: dict[str, Any] = {"files": [absolute_path(file) for file in files or ()], "tools": tools}
        given |= {"model": model, "effort": effort, "conversation_id": conversation}
        options = {name: value for name, value in given.items() if value}
        async with reporting_progress(context, "waiting for the site") as progress:
            if not wait:
                return job_result(await self._api.submit(message, **options))
            async with self._api.stream_message(message, **options) as stream:
                async for event in stream.events():
                    progress.note(event)
        reply = stream.reply
        assert reply is not None
        if conversation is None and reply.conversation_id is not None:
            self._titles.spawn(self._request_title(reply.conversation_id, reply.message_id))
        return answer_result(reply)

    @as_tool_errors
    async def wait(
        self, job_id: JobId, context: Context[Any, Any], timeout: Timeout = WAIT_TIMEOUT
    ) -> Annotated[CallToolResult, Answer]:
        """Wait for the reply of a job that `ask` has started with `wait=false`, and return the reply.

        If the reply is not complete after `timeout` seconds, the result contains the state of the job.
        """
        job = await self._api.get_job(job_id)
        async with reporting_progress(context, f"waiting for job {job.id}"):
            try:
                return answer_result(await job.wait(timeout * 1000), job.id)
            except ChatGPTTimeoutError:
                if job.error is not None:  # The job itself has ended with this error.
                    raise
        return job_result(job)

    @as_tool_errors
    async def jobs(self, limit: Limit = 20) -> list[JobInfo]:
        """List the jobs on this machine, newest first. A job is a message whose reply is fetched with `wait`."""
        return [job_info(job) for job in (await self._api.list_jobs())[:limit]]

    @as_tool_errors
    async def list_conversations(self, limit: Limit = 20, offset: Offset = 0) -> list[ConversationInfo]:
        """List the conversations of the user's account, newest first."""
        return [conversation_info(found) for found in await self._api.list_conversations(offset, limit)]

    @as_tool_errors
    async def get_conversation(
        self, conversation: Conversation, limit: Limit = 50
    ) -> Annotated[CallToolResult, ConversationContent]:
        """Return the newest messages of a conversation, oldest first, with the names of their files."""
        return conversation_result(conversation_content(await self._api.get_history(conversation), limit))

    @as_tool_errors
    async def get_file(
        self, conversation: Conversation, file: FileName, save_to: SaveTo = None
    ) -> CallToolResult:
        """Get a file or an image of a reply: save it on the user's machine, or return its content."""
        if save_to is not None:
            absolute_path(save_to)
        found = find_file(await self._api.get_history(conversation), file)
        return await read_file(found) if save_to is None else await save_file(found, save_to)

    async def _request_title(self, conversation_id: str, message_id: str | None) -> None:
        """Request a title for a new conversation, as the site's page does after the first reply. Ignore errors."""
        with suppress(ChatGPTError):
            await self._api.generate_title(conversation_id, message_id)
