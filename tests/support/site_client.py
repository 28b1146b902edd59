"""A plain HTTP client for `FakeChatGPT`, independent of `chatgpt_browser`."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import httpx

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from chatgpt_browser.testing import FakeChatGPT

DONE = "[DONE]"


@dataclass
class SendResult:
    """The response to a message, with its parsed events."""

    response: httpx.Response
    #: The data of all events, including `[DONE]` and empty data.
    data: list[str] = field(init=False)

    def __post_init__(self) -> None:
        lines = re.split(r"\r\n|\n|\r", self.response.text)
        self.data = [line[5:].strip() for line in lines if line.startswith("data:")]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON of all events that have data."""
        return [json.loads(data) for data in self.data if data not in ("", DONE)]

    @property
    def replies(self) -> list[dict[str, Any]]:
        """The assistant's message of each event that has one."""
        messages = [event["message"] for event in self.events if event.get("message")]
        return [message for message in messages if message["author"]["role"] == "assistant"]

    @property
    def texts(self) -> list[str]:
        """The text of each event."""
        return [message["content"]["parts"][0] for message in self.replies]

    @property
    def text(self) -> str:
        """The complete text."""
        return self.texts[-1]

    @property
    def position(self) -> tuple[str, str]:
        """The conversation's ID and the reply's ID, for the next message."""
        return self.events[-1]["conversation_id"], self.replies[-1]["id"]


class SiteClient:
    """A client with cookies, which signs in and sends messages."""

    def __init__(self, server: FakeChatGPT, *, http2: bool = False) -> None:
        self.server = server
        self._options: dict[str, Any] = {"verify": tls_context(server), "http2": http2, "timeout": 10}
        self.http = httpx.Client(**self._options)
        self.messages_url = f"{server.backend_api_base_url}/conversation"
        secure = server.origin.startswith("https")
        self.cookie_name = f"{'__Secure-' if secure else ''}next-auth.session-token"

    def get_session(self, cookies: dict[str, str] | None = None) -> httpx.Response:
        """Request the session; by default with the server's token in one cookie."""
        cookies = {self.cookie_name: self.server.session_token} if cookies is None else cookies
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return self.http.get(f"{self.server.api_base_url}/auth/session", headers={"cookie": header})

    def sign_in(self) -> str:
        """Get an access token, use it for all later requests, and return it."""
        token: str = self.get_session().json()["accessToken"]
        self.http.headers["authorization"] = f"Bearer {token}"
        return token

    def send(self, text: str, position: tuple[str, str] | None = None) -> SendResult:
        """Send a message, in a new conversation or at a position in one."""
        return SendResult(self.http.post(self.messages_url, json=message_body(text, position)))

    async def send_concurrently(self, *texts: str) -> list[SendResult | BaseException]:
        """Send several messages at the same time (HTTP/2: on one connection, which httpx cannot share among threads)."""
        async with httpx.AsyncClient(headers=self.http.headers, **self._options) as http:
            posts = [http.post(self.messages_url, json=message_body(text)) for text in texts]
            responses = await asyncio.gather(*posts, return_exceptions=True)
        return [SendResult(each) if isinstance(each, httpx.Response) else each for each in responses]

    def stream(self, text: str = "Hello") -> AbstractContextManager[httpx.Response]:
        """Send a message and return the response while it is streamed."""
        return self.http.stream("POST", self.messages_url, json=message_body(text))

    def backend(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Send a request to the backend API."""
        return self.http.request(method, f"{self.server.backend_api_base_url}{path}", json=body)


def message_body(text: str, position: tuple[str, str] | None = None) -> dict[str, Any]:
    """Return the body of a message, in a new conversation or at a position in one."""
    conversation_id, parent_id = position or (None, str(uuid.uuid4()))
    content = {"content_type": "text", "parts": [text]}
    return {
        "action": "next",
        "messages": [{"id": str(uuid.uuid4()), "role": "user", "content": content}],
        "model": "text-davinci-002-render",
        "parent_message_id": parent_id,
        "conversation_id": conversation_id,
    }


def tls_context(server: FakeChatGPT) -> ssl.SSLContext:
    """Return a TLS context that trusts only this server's certificate authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if server.certificate_authority_pem is not None:
        context.load_verify_locations(cadata=server.certificate_authority_pem.decode())

    return context


class Connect(Protocol):
    """The type of the fixture `connect`: returns a client of a server, signed in by default."""

    def __call__(
        self, server: FakeChatGPT | None = None, *, signed_in: bool = True, http2: bool = False
    ) -> SiteClient: ...


class StartServer(Protocol):
    """The type of the fixture `start_server`: starts a server with these options."""

    def __call__(self, **options: Any) -> FakeChatGPT: ...
