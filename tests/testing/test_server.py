"""`FakeChatGPT`: start and close, URLs, TLS and recorded requests."""

from __future__ import annotations

import gc
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from chatgpt_browser.testing import FakeChatGPT, Gate
from tests.support.site_client import SiteClient, tls_context

if TYPE_CHECKING:
    from tests.support.site_client import Connect, StartServer


OTHER_THREADS: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def other_threads() -> None:
    """Store the threads of servers that other tests of the same run keep open."""
    OTHER_THREADS.clear()
    OTHER_THREADS.update(threading.enumerate())


def serving_threads() -> list[threading.Thread]:
    """Return the threads of the servers of this test."""
    new = {*threading.enumerate()} - OTHER_THREADS
    return [thread for thread in new if thread.name == "FakeChatGPT"]


def test_server_listens_from_start_until_close() -> None:
    server = FakeChatGPT().start()
    address = (server.host, server.port)
    socket.create_connection(address, timeout=5).close()
    server.close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5)
    assert serving_threads() == []


def test_server_start_and_close_are_idempotent() -> None:
    server = FakeChatGPT()
    server.close()
    assert server.start() is server.start()
    assert len(serving_threads()) == 1
    server.close()
    server.close()
    assert serving_threads() == []


def test_server_restart_keeps_port_and_state() -> None:
    server = FakeChatGPT(replies=["one", "two"])
    for text in ("one", "two"):
        with server:
            client = SiteClient(server)
            with client.http:
                client.sign_in()
                assert client.send("x").text == text

    assert len({record.headers["host"] for record in server.requests}) == 1
    assert len(server.conversations) == 2


@pytest.mark.anyio
async def test_server_async_context_manager_serves() -> None:
    async with FakeChatGPT() as server, httpx.AsyncClient(verify=tls_context(server)) as http:
        assert (await http.get(server.origin)).status_code == 200

    assert serving_threads() == []


def test_server_context_manager_propagates_error() -> None:
    with pytest.raises(ZeroDivisionError), FakeChatGPT():
        raise ZeroDivisionError

    assert serving_threads() == []


@pytest.mark.parametrize("tls", [False, True])
def test_server_close_does_not_wait_for_idle_connections(tls: bool, long_graceful_timeout: float) -> None:
    server = FakeChatGPT(tls=tls).start()
    with ExitStack() as stack:
        for http2 in (False, True):
            client = SiteClient(server, http2=http2)
            stack.enter_context(client.http)
            client.sign_in()

        # A connection without any request and, over TLS, without a handshake.
        stack.enter_context(socket.create_connection((server.host, server.port), timeout=5))
        start = time.perf_counter()
        server.close()
        assert time.perf_counter() - start < long_graceful_timeout / 2


@pytest.mark.parametrize("tls", [False, True])
def test_server_close_while_clients_connect_closes_all_sockets(tls: bool) -> None:
    """asyncio never closes a connection that it accepts just before its server closes; pytest reports the open socket."""
    with ThreadPoolExecutor() as pool:
        for _ in range(5):
            connected, closed = threading.Semaphore(0), threading.Event()
            with FakeChatGPT(tls=tls) as server:
                clients = [pool.submit(connect_repeatedly, server, connected, closed) for _ in range(2)]
                for _ in range(8):
                    assert connected.acquire(timeout=20)
            closed.set()
            assert [client.result(20) for client in clients] == [None] * 2
            assert server.errors == []
    gc.collect()


def connect_repeatedly(server: FakeChatGPT, connected: threading.Semaphore, closed: threading.Event) -> None:
    """Open and close connections until `closed` is set, and release `connected` for each."""
    while not closed.is_set():
        with suppress(OSError), socket.create_connection((server.host, server.port), timeout=5):
            connected.release()


def test_server_two_instances_are_independent(start_server: StartServer, connect: Connect) -> None:
    one, two = start_server(reply="one"), start_server(reply="two")

    assert one.port != two.port
    assert (connect(one).send("x").text, connect(two).send("x").text) == ("one", "two")
    assert len(one.requests) == 2


def test_server_port_in_use_raises(server: FakeChatGPT) -> None:
    port = server.port
    with pytest.raises(OSError, match=f"in use: 127.0.0.1:{port}"):
        FakeChatGPT(port=port).start()
    server.close()
    with FakeChatGPT(port=port) as again:
        assert again.port == port


@pytest.mark.parametrize("port", [-1, 65_536])
def test_server_number_that_is_no_port_raises(port: int) -> None:
    with pytest.raises(ValueError, match=f"port must be a number from 0 to 65535, not {port}"):
        FakeChatGPT(port=port)


def test_server_urls_without_tls(server: FakeChatGPT) -> None:
    assert server.host == "127.0.0.1"
    assert server.origin == f"http://127.0.0.1:{server.port}"
    assert server.api_base_url == f"{server.origin}/api"
    assert server.backend_api_base_url == f"{server.origin}/backend-api"
    assert server.certificate_authority_pem is None


def test_server_port_before_start_raises() -> None:
    with pytest.raises(RuntimeError, match="start"):
        _ = FakeChatGPT().port


def test_server_public_origin_is_used_in_urls(start_server: StartServer) -> None:
    server = start_server(tls=True, public_origin="https://chat.openai.com/")

    assert server.origin == "https://chat.openai.com"
    assert server.api_base_url == "https://chat.openai.com/api"
    assert server.port > 0


@pytest.mark.parametrize(("tls", "origin"), [(False, "https://chatgpt.com"), (True, "http://chatgpt.com")])
def test_server_public_origin_wrong_scheme_raises(tls: bool, origin: str) -> None:
    with pytest.raises(ValueError, match="public_origin"):
        FakeChatGPT(tls=tls, public_origin=origin)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "chat.openai.com", "chatgpt.com"])
def test_server_certificate_covers_site_names(start_server: StartServer, name: str) -> None:
    server = start_server(tls=True)
    with (
        socket.create_connection((server.host, server.port), timeout=5) as raw,
        tls_context(server).wrap_socket(raw, server_hostname=name) as secured,
    ):
        assert secured.version() in ("TLSv1.2", "TLSv1.3")


def test_server_certificate_of_other_server_is_rejected(start_server: StartServer) -> None:
    server, other = start_server(tls=True), start_server(tls=True)
    with (
        socket.create_connection((server.host, server.port), timeout=5) as raw,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        tls_context(other).wrap_socket(raw, server_hostname="localhost")

    assert server.errors == []


@pytest.mark.parametrize(("http2", "version"), [(None, "2"), (True, "2"), (False, "1.1")])
def test_server_http2_option_selects_protocol(
    start_server: StartServer, connect: Connect, http2: bool | None, version: str
) -> None:
    client = connect(start_server(tls=True, http2=http2), http2=True)

    assert client.server.requests[0].http_version == version


def test_requests_record_has_all_fields(client: SiteClient) -> None:
    before = time.monotonic()
    client.http.post(
        f"{client.server.origin}/some/where?a=1&b=%20",
        content=b'{"a": "\xc3\xa9"}',
        headers={"X-Mixed-Case": "Kept", "cookie": "a=1; b=x=y; a=2; empty="},
    )
    record = client.server.requests[-1]

    assert (record.method, record.path, record.query) == ("POST", "/some/where", "a=1&b=%20")
    assert record.target == "/some/where?a=1&b=%20"
    assert record.headers["x-mixed-case"] == "Kept"
    assert ("x-mixed-case", "Kept") in record.raw_headers
    assert record.cookies == {"a": "1", "b": "x=y", "empty": ""}
    assert record.body == b'{"a": "\xc3\xa9"}'
    assert record.json == {"a": "é"}
    assert record.http_version == "1.1"
    assert before <= record.received_at <= time.monotonic()
    assert record.status == 404
    assert f"Bearer {record.bearer}" == client.http.headers["authorization"]
    assert record.finished.wait(20)


def test_requests_is_ordered_copy(client: SiteClient) -> None:
    client.send("one")
    client.server.requests.clear()

    assert [(record.method, record.path) for record in client.server.requests] == [
        ("GET", "/api/auth/session"),
        ("POST", "/backend-api/conversation"),
    ]


def test_wait_for_request_returns_later_request(connect: Connect) -> None:
    client = connect(signed_in=False)
    sender = threading.Thread(target=lambda: [client.http.get(f"{client.server.origin}/{n}") for n in "ab"])
    sender.start()
    record = client.server.wait_for_request("/b", method="get")
    sender.join()

    assert record.path == "/b"
    assert client.server.wait_for_request(count=2) is record


@pytest.mark.parametrize(("suffix", "method", "count"), [("/other", None, 1), ("", "POST", 1), ("", None, 2)])
def test_wait_for_request_timeout_raises(
    client: SiteClient, suffix: str, method: str | None, count: int
) -> None:
    with pytest.raises(TimeoutError, match=rf"of {count} requests arrived"):
        client.server.wait_for_request(suffix, method=method, count=count, timeout=0.01)


def test_repr_contains_no_secret(client: SiteClient) -> None:
    server = client.server
    client.http.cookies["mine"] = "my-cookie"
    client.send("my-message")
    record = server.requests[-1]
    shown = f"{server!r} {server.requests!r} {record!s} {server._site.settings!r} {server.__dict__!r}"

    assert "my-cookie" in record.headers["cookie"] and "my-message" in record.body.decode()
    for secret in (server.session_token, record.bearer, "my-cookie", "my-message"):
        assert secret is not None and secret not in shown
    assert repr(record) == "<RecordedRequest POST /backend-api/conversation HTTP/1.1 -> 200>"
    assert repr(server) == f"<FakeChatGPT {server.origin}, 2 requests>"


def test_gate_reports_arrivals() -> None:
    gate = Gate()
    with pytest.raises(TimeoutError, match="0 times, not 1"):
        gate.wait_reached(0.01)

    assert (gate.is_open, gate.arrivals, gate.reached.is_set()) == (False, 0, False)
    gate.open()
    gate.open()
    assert gate.is_open
    assert repr(gate) == "<Gate open, 0 arrivals>"
