"""Errors, limits and clients that leave: what the `openai` package gets, and what the site receives."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import TYPE_CHECKING, Any

import openai as openai_package
import pytest

from chatgpt_browser.server.request_queue import MAX_WAITING
from chatgpt_browser.testing import Answer, Gate, Reply
from tests.support.openai_server import KEY

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

    from tests.support.openai_server import OpenAIServer
    from tests.support.scripted_site import ScriptedSite

GUARD = 60.0


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


def create(client: OpenAI, interface: str, message: str, **options: Any) -> Any:
    if interface == "chat":
        return client.chat.completions.create(model="auto", messages=user(message), **options)
    return client.responses.create(model="auto", input=message, **options)


# ---- errors of the site ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (Answer.message_too_long(), openai_package.BadRequestError, "context_length_exceeded"),
        (Answer.unusual_activity(), openai_package.PermissionDeniedError, "unusual_activity"),
        (Answer.server_error(), openai_package.InternalServerError, "site_error"),
        (Reply("No.", withheld="Withheld."), openai_package.BadRequestError, "content_filter"),
    ],
)
def test_error_of_site_has_status_and_code_and_is_not_retried(
    openai: OpenAI, site: ScriptedSite, answer: Any, error: type[Exception], code: str
) -> None:
    message = site.answering(answer)
    with pytest.raises(error) as raised:
        create(openai.with_options(max_retries=2), "chat", message)

    assert getattr(raised.value, "code", None) == code
    assert len(site.posts) == 1


@pytest.mark.parametrize(
    ("interface", "options", "field"),
    [
        ("chat", {"reasoning_effort": "high"}, "reasoning_effort"),
        ("chat", {"web_search_options": {}}, "web_search_options"),
        ("responses", {"reasoning": {"effort": "high"}}, "reasoning.effort"),
        ("responses", {"tools": [{"type": "web_search"}]}, "tools"),
    ],
)
def test_option_that_fetch_cannot_apply_is_refused_with_the_field(
    openai: OpenAI, site: ScriptedSite, interface: str, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(openai_package.BadRequestError, match='send_via="fetch"') as refused:
        create(openai, interface, "a message", **options)

    assert refused.value.param == field
    assert site.posts == []


def test_rate_limit_has_delay_of_site_and_is_retried_after_it(
    openai: OpenAI, running: OpenAIServer, site: ScriptedSite
) -> None:
    message = site.answering(Answer.too_many_requests(0.3), "At last.")
    with pytest.raises(openai_package.RateLimitError) as raised:
        create(openai, "responses", site.answering(Answer.model_cap(3600)))
    headers = raised.value.response.headers

    assert (headers["retry-after"], headers["x-should-retry"]) == ("3600", "false")
    assert raised.value.type == "rate_limit_error"
    running.forget_limits()
    assert create(openai.with_options(max_retries=2), "responses", message).output_text == "At last."


def test_rate_limit_without_delay_is_not_retried(openai: OpenAI, site: ScriptedSite) -> None:
    message = site.answering(Answer.error(429, "Slow down."))
    with pytest.raises(openai_package.RateLimitError) as raised:
        create(openai.with_options(max_retries=2), "chat", message)

    assert raised.value.response.headers["x-should-retry"] == "false"
    assert "retry-after" not in raised.value.response.headers
    assert len(site.posts) == 1


@pytest.mark.parametrize("interface", ["chat", "responses"])
def test_stream_that_fails_in_the_middle_raises_in_client(
    openai: OpenAI, site: ScriptedSite, interface: str
) -> None:
    message = site.answering(Reply("A part of it.", error="The model has failed."))
    received: list[str] = []
    with pytest.raises(openai_package.APIError, match=r"The model has failed"):
        for event in create(openai, interface, message, stream=True):
            if interface == "chat":
                received.append(event.choices[0].delta.content)
            elif event.type == "response.output_text.delta":
                received.append(event.delta)

    assert "".join(received) == "A part of it."


# ---- the request -----------------------------------------------------------------------------------------------------


def raw_request(running: OpenAIServer, **headers: str) -> tuple[int, dict[str, Any]]:
    """GET the list of models with these headers, and return the status and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=GUARD)
    connection.putrequest("GET", "/v1/models", skip_host=True)
    for name, value in ({"host": "localhost", "authorization": f"Bearer {KEY}"} | headers).items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    body = json.loads(response.read())
    connection.close()
    assert not [name for name in response.headers if name.lower().startswith("access-control")]
    return response.status, body


def test_request_without_key_of_other_host_or_of_page_is_refused(
    running: OpenAIServer, site: ScriptedSite
) -> None:
    assert raw_request(running)[0] == 200
    assert raw_request(running, authorization="Bearer sk-wrong")[0] == 401
    assert raw_request(running, host="evil.example")[0] == 403
    status, body = raw_request(running, origin="https://evil.example")
    assert (status, body["error"]["code"]) == (403, "origin_not_allowed")
    assert site.posts == []


def test_health_needs_no_key(running: OpenAIServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=GUARD)
    connection.request("GET", "/health")
    assert json.loads(connection.getresponse().read()) == {"status": "ok"}
    connection.request("GET", "/v1/nothing", headers={"authorization": f"Bearer {KEY}"})
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["error"]["type"]) == (404, "invalid_request_error")
    connection.close()


@pytest.mark.parametrize("is_chunked", [False, True])
def test_body_of_100_mb_is_refused_with_413(
    running: OpenAIServer, site: ScriptedSite, is_chunked: bool
) -> None:
    part, count = b" " * (1 << 20), 100
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=GUARD)
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    if not is_chunked:
        headers["content-length"] = str(len(part) * count)
    connection.request(
        "POST",
        "/v1/responses",
        (part for _ in range(count)),
        headers,
        encode_chunked=is_chunked,
    )
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["error"]["code"] == "request_too_large"
    connection.close()


# ---- clients that wait or leave --------------------------------------------------------------------------------------


@pytest.mark.parametrize("interface", ["chat", "responses"])
def test_client_that_leaves_its_stream_stops_the_reply_at_the_site(
    openai: OpenAI, site: ScriptedSite, interface: str
) -> None:
    gate = Gate()
    message = site.answering(Reply("One two three.", hold_after=1, gate=gate), "Next.")
    stream = create(openai, interface, message, stream=True)
    next(iter(stream))
    stream.close()

    assert site.wait_for_post().disconnected.wait(GUARD)
    assert "Next" in str(create(openai, interface, message))
    gate.open()


@pytest.mark.anyio
async def test_client_that_does_not_wait_for_its_reply_stops_it_at_the_site(
    async_openai: AsyncOpenAI, site: ScriptedSite
) -> None:
    gate = Gate()
    message = site.answering(Reply("One two three.", hold_after=1, gate=gate))
    waiting = asyncio.create_task(async_openai.responses.create(model="auto", input=message))
    post = await asyncio.to_thread(site.wait_for_post)
    waiting.cancel()

    assert await asyncio.to_thread(post.disconnected.wait, GUARD)
    gate.open()


def test_client_that_leaves_the_queue_sends_nothing(openai: OpenAI, site: ScriptedSite) -> None:
    gate = Gate()
    first, second = site.answering(Reply("One.", hold_after=0, gate=gate)), site.answering("Never.")
    stream = None
    try:
        stream = create(openai, "chat", first, stream=True)
        # The timeout of the client always ends this request, because the reply before it waits at the gate.
        with pytest.raises(openai_package.APITimeoutError):
            create(openai, "chat", second, timeout=0.5)
    finally:
        gate.open()
    assert stream is not None
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "One."
    assert create(openai, "chat", site.answering("Last.")).choices[0].message.content == "Last."
    assert len(site.posts) == 2


@pytest.mark.anyio
async def test_66_requests_at_once_one_is_refused_and_the_others_get_their_own_replies(
    async_openai: AsyncOpenAI, site: ScriptedSite
) -> None:
    gate = Gate()
    replies = {
        f"Reply {n}.": site.answering(Reply(f"Reply {n}.", hold_after=0, gate=gate)) for n in range(66)
    }

    async def ask(message: str) -> str | None:
        completion = await async_openai.chat.completions.create(model="auto", messages=user(message))
        return completion.choices[0].message.content

    tasks = [asyncio.create_task(ask(message)) for message in replies.values()]
    try:
        # One message is at the gate and 64 wait, so one request is refused.
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        gate.open()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    (refused,) = [result for result in results if isinstance(result, BaseException)]

    assert len(results) == MAX_WAITING + 2
    assert isinstance(refused, openai_package.InternalServerError)
    assert (refused.status_code, refused.code) == (503, "queue_full")
    assert refused.response.headers["retry-after"] == "10"
    assert [result for result in results if result is not refused] == [
        reply for reply, result in zip(replies, results, strict=True) if result is not refused
    ]
    assert len(site.posts) == MAX_WAITING + 1
