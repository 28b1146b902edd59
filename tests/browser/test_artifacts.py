"""The screenshot and the trace of a failure, and that they contain no secret."""

from __future__ import annotations

import io
import json
import stat
import string
import tempfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatgpt_browser import APIStatusError, AsyncChatGPTAPI
from chatgpt_browser._browser.artifacts import FailureArtifacts
from chatgpt_browser._protocol.failure_trace import redacted_trace
from chatgpt_browser._protocol.redaction import REMOVED, reveals, scrub
from chatgpt_browser.testing import Answer, FakeChatGPT
from tests.support.secret_search import PART, assert_none_in, secrets_of

if TYPE_CHECKING:
    import random
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for temporary files. It must be empty at the end of a test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def entries(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def create_client(server: FakeChatGPT) -> AsyncChatGPTAPI:
    return AsyncChatGPTAPI(
        server.session_token,
        api_base_url=server.api_base_url,
        backend_api_base_url=server.backend_api_base_url,
    )


def read_lines(archive: bytes, name: str) -> list[dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as trace:
        return [json.loads(line) for line in trace.read(name).decode().splitlines()]


# ---- with a browser --------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_artifacts_after_failure_are_saved_for_owner_only(temporary_folder: Path) -> None:
    artifacts = FailureArtifacts()
    with FakeChatGPT(reply=Answer(500, {"detail": "it is broken"})) as server:
        async with create_client(server) as api:
            api._browser_manager.observer = artifacts
            access_token = await api.ensure_auth()
            with pytest.raises(APIStatusError):
                await api.send_message("a private question")

    assert entries(temporary_folder) == []
    files = artifacts.save(temporary_folder / "results", "smoke")

    assert [file.name for file in files] == ["smoke.png", "smoke-trace.zip"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert (artifacts.screenshot or b"").startswith(PNG)
    assert artifacts.trace is not None
    requests = [line["snapshot"] for line in read_lines(artifacts.trace, "trace.network")]
    answers = {request["request"]["url"]: request["response"]["status"] for request in requests}
    assert answers[f"{server.api_base_url}/auth/session"] == 200
    assert answers[f"{server.backend_api_base_url}/conversation"] == 500
    actions = {
        event["callId"]: event
        for event in read_lines(artifacts.trace, "trace.trace")
        if event["type"] == "before"
    }
    failed = [event for event in read_lines(artifacts.trace, "trace.trace") if "error" in event]
    assert [actions[event["callId"]]["title"] for event in failed] == ["POST /backend-api/conversation"]
    with zipfile.ZipFile(io.BytesIO(artifacts.trace)) as trace:
        assert sorted(trace.namelist()) == ["trace.network", "trace.trace"]
        text = "".join(trace.read(name).decode() for name in trace.namelist())
    assert_none_in(temporary_folder, secrets=[*secrets_of(server), access_token])
    assert "a private question" not in text


@pytest.mark.anyio
async def test_artifacts_when_discarded_or_browser_closed_are_empty(
    server: FakeChatGPT, temporary_folder: Path
) -> None:
    artifacts = FailureArtifacts()
    async with create_client(server) as api:
        api._browser_manager.observer = artifacts
        await api.start()
        [folder] = entries(temporary_folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        artifacts.discard()
    assert (artifacts.screenshot, artifacts.trace) == (None, None)
    assert entries(temporary_folder) == []

    artifacts = FailureArtifacts()
    async with create_client(server) as api:
        api._browser_manager.observer = artifacts
        await api.start()
        browser = api._browser_manager._browser
        assert browser is not None
        await browser.close()  # like a crash: no screenshot is possible, and no error may be raised
    assert artifacts.screenshot is None
    assert entries(temporary_folder) == []


@pytest.mark.anyio
async def test_screenshot_of_page_with_token_is_omitted(server: FakeChatGPT) -> None:
    artifacts = FailureArtifacts()
    server.script_path(
        "/", Answer(200, f"<p>This is yours: {server.session_token}", content_type="text/html")
    )
    async with create_client(server) as api:
        api._browser_manager.observer = artifacts
        await api.start()

    assert server.wait_for_request("/").status == 200
    assert artifacts.screenshot is None
    assert artifacts.trace is not None


# ---- without a browser -----------------------------------------------------------------------------------------------

TOKEN = "eyJhbGciOiJkaXIifQ..abc_DEF-123.xyz"
SECRET = "a-token-that-looks-like-nothing"
ENTRY = {
    "time": 12,
    "startedDateTime": "1970-01-01T00:00:01.000Z",
    "_monotonicTime": 7.5,
    "_unknown": SECRET,
    "request": {
        "method": "POST",
        "url": f"https://chatgpt.com/a/b?code={SECRET}#x",
        "cookies": [{"name": "session", "value": SECRET}],
        "headers": [
            {"name": "Cookie", "value": f"a={SECRET}"},
            {"name": "Authorization", "value": "Bearer 1"},
            {"name": "X-Unknown", "value": "2"},
            {"name": "Accept", "value": "text/html"},
        ],
        "queryString": [{"name": "code", "value": SECRET}],
        "postData": {"text": SECRET},
    },
    "response": {
        "status": 403,
        "headers": [
            {"name": "set-cookie", "value": "cf=3"},
            {"name": "location", "value": "https://chatgpt.com/c?state=4"},
            {"name": "CF-Mitigated", "value": "challenge"},
        ],
        "cookies": [{"name": "cf", "value": "3"}],
        "content": {"size": 3, "text": SECRET, "_file": "resources/abc.json"},
        "redirectURL": "https://chatgpt.com/c?state=4",
    },
}
LOG = {"creator": {"version": "1.65"}, "browser": {"name": "chromium"}, "entries": [ENTRY], "pages": [SECRET]}


def test_redacted_trace_keeps_only_known_fields() -> None:
    archive = redacted_trace(LOG, [SECRET])

    context, before, after = read_lines(archive, "trace.trace")
    assert (context["browserName"], context["wallTime"], context["monotonicTime"]) == (
        "chromium",
        1_000.0,
        7.5,
    )
    assert (before["title"], before["startTime"], after["endTime"]) == ("POST /a/b", 7.5, 19.5)
    assert after["error"]["message"] == "403"
    assert SECRET not in json.dumps([context, before, after])
    [line] = read_lines(archive, "trace.network")
    request, response = line["snapshot"]["request"], line["snapshot"]["response"]
    assert request["url"] == f"https://chatgpt.com/a/b?{REMOVED}"
    assert [header["value"] for header in request["headers"]] == [REMOVED, REMOVED, REMOVED, "text/html"]
    assert [header["value"] for header in response["headers"]] == [
        REMOVED,
        f"https://chatgpt.com/c?{REMOVED}",
        "challenge",
    ]
    assert (request["cookies"], request["queryString"], response["cookies"]) == ([], [], [])
    assert response["content"] == {"size": 3}
    assert SECRET not in json.dumps(line)


def append_to_texts(value: Any, secret: str) -> Any:
    """Return a copy of the value with a secret appended to each text except the times."""
    if isinstance(value, dict):
        return {
            name: item if "Time" in name else append_to_texts(item, secret) for name, item in value.items()
        }
    if isinstance(value, list):
        return [append_to_texts(item, secret) for item in value]
    return f"{value}{secret}" if isinstance(value, str) else value


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.integers(PART, 2_000))
def test_redacted_trace_with_secret_in_every_text_contains_no_secret(
    chance: random.Random, length: int
) -> None:
    """The redaction gets the session token as an argument, and recognises an access token by its form."""
    session_token = "".join(chance.choices('%/+="\\' + string.ascii_letters, k=length))
    access_token = "eyJ" + "".join(chance.choices("-_" + string.ascii_letters, k=length))
    for secret, known in ((session_token, [session_token]), (access_token, [session_token])):
        log = LOG | {"entries": [append_to_texts(ENTRY, secret)] * 2}
        assert_none_in(redacted_trace(log, known), secrets=[secret])


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        (f"a {SECRET} b {SECRET}", f"a {REMOVED} b {REMOVED}"),
        (f"Bearer {TOKEN}, and so on", f"Bearer {REMOVED}, and so on"),
        ('at "https://a.example/p?q=1": no', f'at "https://a.example/p?{REMOVED}": no'),
        ("https://a.example/p is fine?", "https://a.example/p is fine?"),
    ],
)
def test_scrub_removes_secrets_tokens_and_queries(text: str, scrubbed: str) -> None:
    assert scrub(text, ["", SECRET]) == scrubbed
    assert reveals(text, [SECRET]) == (SECRET in text or TOKEN in text)
