"""A minimal HTTP/2 client that, unlike httpx, can reset a stream."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import h2.connection
import h2.events
import httpx
from typing_extensions import Self

from tests.support.site_client import tls_context

if TYPE_CHECKING:
    from chatgpt_browser.testing import FakeChatGPT


class Http2Client:
    """One blocking connection over TLS, signed in."""

    def __init__(self, server: FakeChatGPT) -> None:
        context = tls_context(server)
        cookie = f"__Secure-next-auth.session-token={server.session_token}"
        session = httpx.get(f"{server.api_base_url}/auth/session", headers={"cookie": cookie}, verify=context)
        self._token = session.json()["accessToken"]
        context.set_alpn_protocols(["h2"])
        raw = socket.create_connection((server.host, server.port), timeout=5)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(raw, server_hostname=server.host)
        self._connection = h2.connection.H2Connection()
        self._connection.initiate_connection()
        self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()

    def post(self, path: str, body: object) -> int:
        """Send a request and return its stream ID."""
        stream = self._connection.get_next_available_stream_id()
        headers = [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", "localhost"),
            (":path", path),
            ("authorization", f"Bearer {self._token}"),
        ]
        self._connection.send_headers(stream, headers)
        self._connection.send_data(stream, json.dumps(body).encode(), end_stream=True)
        self._flush()
        return stream

    def reset(self, stream: int) -> None:
        """Reset a stream."""
        self._connection.reset_stream(stream)
        self._flush()

    def read_until(self, stream: int, *, until: bytes) -> bytes:
        """Read the stream until its data contains `until`; `:status` stands for the headers."""
        got = b""
        while until not in got:
            for event in self._connection.receive_data(self._socket.recv(65536)):
                got += self._content(event, stream)

            self._flush()

        return got

    def _content(self, event: Any, stream: int) -> bytes:
        if isinstance(event, h2.events.DataReceived):
            self._connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if getattr(event, "stream_id", None) != stream:
            return b""
        if isinstance(event, h2.events.ResponseReceived):
            return b":status"

        return event.data if isinstance(event, h2.events.DataReceived) else b""

    def _flush(self) -> None:
        self._socket.sendall(self._connection.data_to_send())
