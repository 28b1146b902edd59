"""`Answer`, `RawBody`, `Break` and `Stall`, and disconnects of clients, over HTTP/1.1 and HTTP/2."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from chatgpt_browser.testing import BREAK, Answer, Break, FakeChatGPT, Gate, Hold, RawBody, Reply, Stall
from tests.support.http2_client import Http2Client
from tests.support.site_client import message_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatgpt_browser.testing import Step
    from tests.support.site_client import Connect, SiteClient, StartServer


def open_when_reached(gate: Gate) -> threading.Thread:
    def run() -> None:
        gate.wait_reached()
        gate.open()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.fixture(params=["http/1.1", "https/1.1", "h2"])
def any_client(request: pytest.FixtureRequest, start_server: StartServer, connect: Connect) -> SiteClient:
    """A client over each protocol, signed in."""
    http2 = request.param == "h2"
    server = start_server(tls=request.param != "http/1.1", http2=http2)
    client = connect(server, http2=http2)
    assert client.server.requests[0].http_version == ("2" if http2 else "1.1")
    return client


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (Answer.token_expired(), 401, "token_expired"),
        (Answer.invalid_jwt(), 401, "invalid_jwt"),
        (Answer.conversation_not_found(), 404, "conversation_not_found"),
        (Answer.message_too_long(), 413, "message_length_exceeds_limit"),
        (Answer.model_cap(clears_in=90), 429, "model_cap_exceeded"),
    ],
)
def test_answer_error_with_code(client: SiteClient, answer: Answer, status: int, code: str) -> None:
    client.server.script(answer)
    response = client.send("x").response

    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert response.json()["detail"]["code"] == code
    assert response.json()["detail"]["message"]


@pytest.mark.parametrize(
    ("answer", "status", "start"),
    [
        (Answer.unusual_activity(), 403, "Our systems have detected unusual activity from your system"),
        (
            Answer.unusual_activity("device"),
            403,
            "Our systems have detected unusual activity from your device",
        ),
        (Answer.one_message_at_a_time(), 429, "Only one message at a time."),
        (Answer.too_many_requests(), 429, "Too many requests in 1 hour."),
        (Answer.server_error(), 500, "Something went wrong, please try reloading the conversation."),
    ],
)
def test_answer_error_with_text(client: SiteClient, answer: Answer, status: int, start: str) -> None:
    client.server.script(answer)
    response = client.send("x").response

    assert response.status_code == status
    assert response.json()["detail"].startswith(start)


def test_answer_rate_limit_contains_delay(client: SiteClient) -> None:
    client.server.script(Answer.too_many_requests(retry_after=30), Answer.model_cap(clears_in=90))

    assert client.send("x").response.headers["retry-after"] == "30"
    assert client.send("x").response.json()["detail"]["clears_in"] == 90


def test_answer_unprocessable_is_list(client: SiteClient) -> None:
    client.server.script(Answer.unprocessable())
    (error,) = client.send("x").response.json()["detail"]

    assert error["loc"] == ["body", "parent_message_id"]


@pytest.mark.parametrize("status", [503, 520, 522, 524])
def test_answer_overloaded_is_html(client: SiteClient, status: int) -> None:
    client.server.script(Answer.overloaded_html(status))
    response = client.send("x").response

    assert response.status_code == status
    assert response.headers["content-type"] == "text/html; charset=utf-8"


def test_answer_challenge_has_header(client: SiteClient) -> None:
    client.server.script(Answer.challenge())
    response = client.send("x").response

    assert response.headers["cf-mitigated"] == "challenge"
    assert "_cf_chl_opt" in response.text


@pytest.mark.parametrize(
    ("answer", "content_type", "body"),
    [
        (Answer(200, {"a": 1}), "application/json", b'{"a": 1}'),
        (Answer(200, [1]), "application/json", b"[1]"),
        (Answer(200, "plain é"), "text/plain; charset=utf-8", "plain é".encode()),
        (Answer(200, "<p>"), "text/html; charset=utf-8", b"<p>"),
        (Answer(200, b"\xff"), "application/octet-stream", b"\xff"),
        (Answer(200, b"{", content_type="application/json"), "application/json", b"{"),
        (Answer(418), "application/octet-stream", b""),
    ],
)
def test_answer_content_type_is_derived_from_body(
    client: SiteClient, answer: Answer, content_type: str, body: bytes
) -> None:
    client.server.script(answer)
    response = client.send("x").response

    assert response.status_code == answer.status
    assert response.headers["content-type"] == content_type
    assert response.content == body


def test_answer_repr_hides_body() -> None:
    assert "secret" not in repr(Answer(200, {"accessToken": "secret"}))


def test_raw_body_is_sent_unchanged(any_client: SiteClient) -> None:
    chunks = [b"\xef\xbb\xbfdata: \xf0\x9f", b"\x98\x80\n", b"\n"]
    any_client.server.script(RawBody(chunks, content_type="text/x-odd", status=203))
    response = any_client.send("x").response

    assert response.content == b"".join(chunks)
    assert (response.status_code, response.headers["content-type"]) == (203, "text/x-odd")
    assert any_client.server.conversations == {}


def test_raw_body_hold_waits_for_gate(any_client: SiteClient) -> None:
    gate = Gate()
    any_client.server.script(RawBody([b"one", Hold(gate), b"two"]))
    with any_client.stream() as response:
        chunks = response.iter_raw()
        assert next(chunks) == b"one"
        gate.wait_reached()
        gate.open()
        assert b"".join(chunks) == b"two"


def test_raw_body_break_closes_connection(any_client: SiteClient) -> None:
    any_client.server.script(RawBody([b"one", b"x" * 100_000, BREAK, b"never"]))
    got = b""
    with pytest.raises(httpx.RemoteProtocolError), any_client.stream() as response:
        for chunk in response.iter_raw():
            got += chunk

    assert got == b"one" + b"x" * 100_000


def test_reply_break_after_closes_connection(any_client: SiteClient) -> None:
    any_client.server.script(Reply("one two three", break_after=2))
    got = b""
    with pytest.raises(httpx.RemoteProtocolError), any_client.stream() as response:
        for chunk in response.iter_raw():
            got += chunk

    record = any_client.server.requests[-1]
    assert b'"one two"' in got and b"three" not in got
    assert record.finished.wait(20)
    assert not record.disconnected.is_set()
    (conversation,) = any_client.server.conversations.values()
    assert conversation.history()[-1] == ("assistant", "one two")


@pytest.mark.parametrize("after", [0, 20])
def test_break_sends_no_response(any_client: SiteClient, after: float) -> None:
    any_client.server.script(Break(after))
    with pytest.raises(httpx.RemoteProtocolError):
        any_client.send("x")

    assert any_client.server.requests[-1].finished.wait(20)
    assert any_client.server.requests[-1].status is None
    assert any_client.send("again").text == 'You said: "again".'


def test_break_after_gate_waits(client: SiteClient) -> None:
    gate = Gate()
    client.server.script(Break(gate))
    opener = open_when_reached(gate)
    with pytest.raises(httpx.RemoteProtocolError):
        client.send("x")
    opener.join()

    assert gate.reached.is_set()


@pytest.mark.parametrize("before_head", [False, True])
def test_stall_gate_opened_ends_response(any_client: SiteClient, before_head: bool) -> None:
    gate = Gate()
    any_client.server.script(Stall(before_head, gate))
    opener = open_when_reached(gate)
    response = any_client.send("x").response
    opener.join()

    assert (response.status_code, response.content) == (200, b"")


def test_stall_before_head_sends_nothing(any_client: SiteClient) -> None:
    any_client.server.script(Stall(before_head=True))
    with pytest.raises(httpx.ReadTimeout):
        any_client.http.post(any_client.messages_url, json=message_body("x"), timeout=1)

    any_client.http.close()
    assert any_client.server.requests[-1].disconnected.wait(20)
    assert any_client.server.requests[-1].status is None


UNFINISHED_STEPS: dict[str, Callable[[], Step]] = {
    "hold": lambda: Reply("a b c", hold_after=1, gate=Gate()),
    "hang": lambda: Reply("a", hang_after_done=True),
    "stall": Stall,
    "flood": lambda: Reply(pieces=["word "] * 10_000),
    "pace": lambda: Reply(pieces=["x"] * 1000, interval=50),
    "raw": lambda: RawBody([b"x", Hold(Gate())]),
}


@pytest.mark.parametrize("step_name", UNFINISHED_STEPS)
@pytest.mark.parametrize("tls", [False, True])
def test_disconnect_over_http1_is_detected(
    start_server: StartServer, connect: Connect, capfd: pytest.CaptureFixture[str], tls: bool, step_name: str
) -> None:
    client = connect(start_server(tls=tls, http2=False))
    client.server.script(UNFINISHED_STEPS[step_name]())
    with client.stream() as response:
        assert response.status_code == 200

    record = client.server.requests[-1]
    assert record.disconnected.wait(20)
    assert record.finished.wait(20)
    assert client.server.errors == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("step_name", [*UNFINISHED_STEPS, "silence"])
def test_disconnect_of_http2_stream_is_detected(
    start_server: StartServer, capfd: pytest.CaptureFixture[str], step_name: str
) -> None:
    server = start_server(tls=True)
    step: Step = Stall(before_head=True) if step_name == "silence" else UNFINISHED_STEPS[step_name]()
    server.script(step)
    with Http2Client(server) as client:
        stream = client.post("/backend-api/conversation", message_body("x"))
        record = server.wait_for_request("/conversation")
        client.read_until(stream, until=b"" if step_name == "silence" else b":status")
        client.reset(stream)
        assert record.disconnected.wait(20)
        assert record.finished.wait(20)
        # The connection itself stays usable.
        again = client.post("/backend-api/conversation", message_body("again"))
        assert b"[DONE]" in client.read_until(again, until=b"[DONE]")

    assert server.errors == []
    assert capfd.readouterr().err == ""


@pytest.mark.long
def test_disconnect_of_1100_http2_streams_keeps_connection_usable(start_server: StartServer) -> None:
    server = start_server(tls=True, reply=Stall())
    with Http2Client(server) as client:
        # Hypercorn keeps at most 1000 entries for streams.
        for count in range(1, 1101):
            stream = client.post("/backend-api/conversation", message_body("x"))
            record = server.wait_for_request("/conversation", count=count)
            client.read_until(stream, until=b":status")
            client.reset(stream)
            assert record.disconnected.wait(20), count

    assert server.errors == []


def test_disconnect_is_not_reported_for_completed_responses(any_client: SiteClient) -> None:
    for _ in range(20):
        any_client.send("x")

    assert all(record.finished.wait(20) for record in any_client.server.requests)
    assert not any(record.disconnected.is_set() for record in any_client.server.requests)


def test_disconnect_during_request_body_is_recorded(client: SiteClient) -> None:
    def body() -> object:
        yield b'{"action": '
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        client.http.post(client.messages_url, content=body())  # type: ignore[arg-type]
    record = client.server.wait_for_request("/conversation")

    assert record.body == b'{"action": '
    assert record.disconnected.wait(20) and record.finished.wait(20)
    assert record.status is None


@pytest.mark.parametrize("step_name", [*UNFINISHED_STEPS, "silence"])
def test_close_ends_responses_in_progress(
    long_graceful_timeout: float, any_client: SiteClient, step_name: str
) -> None:
    server = any_client.server
    step: Step = Stall(before_head=True) if step_name == "silence" else UNFINISHED_STEPS[step_name]()
    server.script(step, step, step)

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(asyncio.run, any_client.send_concurrently("x", "y", "z"))
        server.wait_for_request("/conversation", count=3)
        elapsed = close_and_time(server)
        result = sending.result()

    assert elapsed < long_graceful_timeout / 2
    assert len(result) == 3 and all(isinstance(each, httpx.HTTPError) for each in result)
    assert all(record.finished.is_set() for record in server.requests)
    assert not any(record.disconnected.is_set() for record in server.requests)
    assert server.active_messages == 0


def close_and_time(server: FakeChatGPT) -> float:
    start = time.perf_counter()
    server.close()
    return time.perf_counter() - start
