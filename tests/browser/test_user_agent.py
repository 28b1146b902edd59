"""The requests as the server receives them: same-origin fetches with a consistent user agent and client hints."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from chatgpt_browser import SEED_USER_AGENT, AsyncChatGPTAPI
from chatgpt_browser.testing import FakeChatGPT, RawBody
from tests.support.scripted_site import DONE, base_urls, can_send, event, posts_of, refreshes_of, sse

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI
    from chatgpt_browser.testing import RecordedRequest
    from tests.support.client_fixtures import Connect, Serve
    from tests.support.scripted_site import ScriptedSite

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
BINARIES = [
    pytest.param(path, id=name)
    for name in ("chromium-headless-shell", "chromium", "google-chrome")
    if (path := shutil.which(name))
]
#: Reads the properties of the browser that a page can access.
READ_IDENTITY = """async () => ({
    userAgent: navigator.userAgent,
    appVersion: navigator.appVersion,
    platform: navigator.platform,
    webdriver: navigator.webdriver,
    languages: navigator.languages,
    hints: navigator.userAgentData
        ? await navigator.userAgentData.getHighEntropyValues(
            ["fullVersionList", "platformVersion", "architecture", "bitness", "model"])
        : null,
})"""


def brands(request: RecordedRequest) -> dict[str, str]:
    return dict(re.findall(r'"([^"]*)";v="([^"]*)"', request.headers["sec-ch-ua"]))


class Visit(NamedTuple):
    """The requests of a browser, and the properties that the scripts of its page can read."""

    binary: str
    requests: list[RecordedRequest]
    seen: dict[str, Any]


@pytest.fixture(scope="module", params=BINARIES)
async def visit(anyio_backend: str, request: pytest.FixtureRequest) -> Visit:
    """Send a message with each installed browser."""
    with FakeChatGPT() as server:
        options = base_urls(server) | {"executable_path": request.param}
        async with AsyncChatGPTAPI(server.session_token, **options) as api:
            assert await api.send_message("Hello")
            seen = await read_identity(api)
        return Visit(request.param, server.requests, seen)


async def read_identity(api: AsyncChatGPTAPI) -> dict[str, Any]:
    """Return what the site's scripts can read in the page's main world."""
    page = await api._browser_manager.page()
    params = {"expression": f"({READ_IDENTITY})()", "awaitPromise": True, "returnByValue": True}
    found: dict[str, Any] = (await page._target.send("Runtime.evaluate", params))["result"]["value"]
    return found


def test_message_request_is_same_origin_fetch(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    api.send_message("Hello")
    post, origin = scripted_site.posts[0], scripted_site.server.origin

    assert post.headers["sec-fetch-site"] == "same-origin"
    assert post.headers["sec-fetch-mode"] == "cors"
    assert post.headers["sec-fetch-dest"] == "empty"
    assert post.headers["origin"] == origin
    assert post.headers["referer"].startswith(f"{origin}/")
    assert "next-auth.session-token" in post.cookies


def test_browser_sends_no_preflight_and_no_other_request(visit: Visit) -> None:
    """A full Chromium also requests the site's icon, but not before the user agent is overridden."""
    seen = [(r.method, r.path, r.headers["sec-fetch-mode"]) for r in visit.requests]
    icons = [place for place, request in enumerate(seen) if request == ("GET", "/favicon.ico", "no-cors")]

    assert len(icons) <= ("shell" not in visit.binary)
    assert 0 not in icons
    assert [request for place, request in enumerate(seen) if place not in icons] == [
        ("GET", "/api/auth/session", "navigate"),
        ("GET", "/api/auth/session", "cors"),
        ("POST", "/backend-api/conversation", "cors"),
    ]


def test_request_headers_never_contain_headless(visit: Visit) -> None:
    (agent,) = {request.headers["user-agent"] for request in visit.requests}
    version = re.search(r" Chrome/(\d+)\.0\.0\.0 Safari/537\.36$", agent)

    assert version is not None
    for request in visit.requests:
        assert not [value for _, value in request.raw_headers if "headless" in value.lower()]
        assert brands(request)["Chromium"] == version[1]


def test_page_scripts_read_same_identity_as_server(visit: Visit) -> None:
    seen, request = visit.seen, visit.requests[-1]

    assert "Headless" not in str(seen)
    assert seen["userAgent"] == request.headers["user-agent"]
    assert seen["appVersion"] == seen["userAgent"].removeprefix("Mozilla/")
    assert {b["brand"]: b["version"] for b in seen["hints"]["brands"]} == brands(request)
    chromium = next(b["version"] for b in seen["hints"]["fullVersionList"] if b["brand"] == "Chromium")
    assert chromium.split(".")[0] == brands(request)["Chromium"]
    assert f'"{seen["hints"]["platform"]}"' == request.headers["sec-ch-ua-platform"]
    # Automation is not hidden: the WebDriver standard requires this flag.
    assert seen["webdriver"] is True


def test_request_headers_over_https_never_contain_headless(serve: Serve, connect: Connect) -> None:
    server = serve(tls=True)
    assert can_send(connect(server, ignore_https_errors=True))
    for request in server.requests:
        assert "Headless" not in str(request.raw_headers)
        assert "Chromium" in brands(request)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("user_agent", "version", "platform"),
    [
        (SEED_USER_AGENT, "107", "macOS"),
        (
            SEED_USER_AGENT.replace("Macintosh; Intel Mac OS X 10_15_7", "Windows NT 10.0; Win64; x64"),
            "107",
            "Windows",
        ),
        (FIREFOX, None, None),
    ],
    ids=["seed", "windows", "firefox"],
)
async def test_user_agent_option_determines_headers_and_hints(
    serve: Serve, user_agent: str, version: str | None, platform: str | None
) -> None:
    server = serve()
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server), user_agent=user_agent) as api:
        assert await api.send_message("Hello")
        seen = await read_identity(api)

    assert len(refreshes_of(server.requests)) == len(posts_of(server.requests)) == 1
    assert (seen["userAgent"], seen["webdriver"]) == (user_agent, True)
    for request in server.requests:
        assert request.headers["user-agent"] == user_agent
        if version is None:
            assert not [name for name, _ in request.raw_headers if name.startswith("sec-ch-ua")]
            continue
        known = {name: value for name, value in brands(request).items() if "Brand" not in name}
        assert known
        assert {*known.values()} == {version}
        assert request.headers["sec-ch-ua-platform"] == f'"{platform}"'
        assert request.headers["sec-ch-ua-mobile"] == "?0"
    if version is not None:
        assert seen["hints"]["platform"] == platform
        assert {b["version"] for b in seen["hints"]["brands"] if "Brand" not in b["brand"]} == {version}


PATCH = """
    globalThis.stolen = [];
    const steal = (name) => (...given) => { stolen[stolen.length] = name; throw new Error("patched"); };
    for (const name of ["fetch", "setTimeout", "AbortController", "TextDecoder", "Map"])
        globalThis[name] = steal(name);
    JSON.stringify = JSON.parse = steal("JSON");
    Promise.prototype.then = steal("then");
    ReadableStream.prototype.getReader = steal("getReader");
    String.prototype.slice = Array.prototype.push = steal("prototype");
"""


@pytest.mark.anyio
async def test_site_scripts_cannot_access_or_patch_isolated_world(serve: Serve) -> None:
    """Every function that a hostile script could replace is replaced in the main world, and messages still work."""
    server = serve(reply=RawBody([sse(event("a")), DONE]))
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        await api.ensure_auth()
        page = await api._browser_manager.page()

        async def run(expression: str) -> Any:
            answer = await page._target.send(
                "Runtime.evaluate", {"expression": expression, "returnByValue": True}
            )
            return answer["result"].get("value")

        assert (
            await run("Object.getOwnPropertyNames(globalThis).filter((n) => /chatgpt/i.test(n)).length") == 0
        )
        assert await run("document.documentElement?.innerText ?? ''") == ""
        await run(PATCH)
        assert await api.send_message("Hello") == "a"
        assert await run("stolen.length") == 0
        assert await run("try { JSON.parse('1') } catch (error) { error.message }") == "patched"
