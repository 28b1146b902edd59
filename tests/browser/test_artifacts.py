"""What is kept of a browser after a failure: enough to see why, and no secret."""

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
from chatgpt_browser._protocol.redaction import REMOVED, redacted_trace, reveals, scrub
from chatgpt_browser.testing import Answer, FakeChatGPT
from tests.support.secret_search import PART, assert_none_in, secrets_of

if TYPE_CHECKING:
    import random
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files: what is found there in the end was left behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def found_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def client(server: FakeChatGPT) -> AsyncChatGPTAPI:
    return AsyncChatGPTAPI(
        server.session_token,
        api_base_url=server.api_base_url,
        backend_api_base_url=server.backend_api_base_url,
    )


def lines(archive: bytes, name: str) -> list[dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as trace:
        return [json.loads(line) for line in trace.read(name).decode().splitlines()]


# ---- through a browser -----------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_failure_leaves_a_screenshot_and_a_trace_for_its_owner_alone(private: Path) -> None:
    evidence = FailureArtifacts()
    with FakeChatGPT(reply=Answer(500, {"detail": "it is broken"})) as server:
        async with client(server) as api:
            api._browser_manager.witness = evidence
            access_token = await api.ensure_auth()
            with pytest.raises(APIStatusError):
                await api.send_message("a private question")

    assert found_in(private) == []
    files = evidence.save(private / "results", "smoke")

    assert [file.name for file in files] == ["smoke.png", "smoke-trace.zip"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert (evidence.screenshot or b"").startswith(PNG)
    assert evidence.trace is not None
    requests = [line["snapshot"] for line in lines(evidence.trace, "trace.network")]
    answers = {request["request"]["url"]: request["response"]["status"] for request in requests}
    assert answers[f"{server.api_base_url}/auth/session"] == 200
    assert answers[f"{server.backend_api_base_url}/conversation"] == 500
    actions = {
        event["callId"]: event for event in lines(evidence.trace, "trace.trace") if event["type"] == "before"
    }
    failed = [event for event in lines(evidence.trace, "trace.trace") if "error" in event]
    assert [actions[event["callId"]]["title"] for event in failed] == ["POST /backend-api/conversation"]
    with zipfile.ZipFile(io.BytesIO(evidence.trace)) as trace:
        assert sorted(trace.namelist()) == ["trace.network", "trace.trace"]
        text = "".join(trace.read(name).decode() for name in trace.namelist())
    assert_none_in(private, secrets=[*secrets_of(server), access_token])
    assert "a private question" not in text


@pytest.mark.anyio
async def test_nothing_is_kept_where_nothing_failed_or_where_the_browser_has_died(
    server: FakeChatGPT, private: Path
) -> None:
    evidence = FailureArtifacts()
    async with client(server) as api:
        api._browser_manager.witness = evidence
        await api.start()
        [folder] = found_in(private)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        evidence.discard()
    assert (evidence.screenshot, evidence.trace) == (None, None)
    assert found_in(private) == []

    died = FailureArtifacts()
    async with client(server) as api:
        api._browser_manager.witness = died
        await api.start()
        browser = api._browser_manager._browser
        assert browser is not None
        await browser.close()  # as if it had died: there is nothing to see, and nothing that would raise
    assert died.screenshot is None
    assert found_in(private) == []


@pytest.mark.anyio
async def test_a_page_that_shows_a_token_is_not_taken(server: FakeChatGPT) -> None:
    evidence = FailureArtifacts()
    server.script_path(
        "/", Answer(200, f"<p>This is yours: {server.session_token}", content_type="text/html")
    )
    async with client(server) as api:
        api._browser_manager.witness = evidence
        await api.start()

    assert server.wait_for_request("/").status == 200
    assert evidence.screenshot is None
    assert evidence.trace is not None


# ---- the lines of a trace, as plain data -----------------------------------------------------------------------------

TOKEN = "eyJhbGciOiJkaXIifQ..abc_DEF-123.xyz"
SECRET = "a-token-that-looks-like-nothing"
ENTRY = {
    "time": 12,
    "startedDateTime": "1970-01-01T00:00:01.000Z",
    "_monotonicTime": 7.5,
    "_unheard_of": SECRET,
    "request": {
        "method": "POST",
        "url": f"https://chatgpt.com/a/b?code={SECRET}#x",
        "cookies": [{"name": "session", "value": SECRET}],
        "headers": [
            {"name": "Cookie", "value": f"a={SECRET}"},
            {"name": "Authorization", "value": "Bearer 1"},
            {"name": "X-Unheard-Of", "value": "2"},
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


def test_what_is_not_known_to_be_harmless_is_left_out() -> None:
    archive = redacted_trace(LOG, [SECRET])

    context, before, after = lines(archive, "trace.trace")
    assert (context["browserName"], context["wallTime"], context["monotonicTime"]) == (
        "chromium",
        1_000.0,
        7.5,
    )
    assert (before["title"], before["startTime"], after["endTime"]) == ("POST /a/b", 7.5, 19.5)
    assert after["error"]["message"] == "403"
    assert SECRET not in json.dumps([context, before, after])
    [line] = lines(archive, "trace.network")
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


def everywhere(value: Any, secret: str) -> Any:
    """The same, with a secret at the end of each text but the times."""
    if isinstance(value, dict):
        return {name: item if "Time" in name else everywhere(item, secret) for name, item in value.items()}
    if isinstance(value, list):
        return [everywhere(item, secret) for item in value]
    return f"{value}{secret}" if isinstance(value, str) else value


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.integers(PART, 2_000))
def test_a_secret_leaves_no_trace_wherever_it_stands(chance: random.Random, length: int) -> None:
    """A session token is known to whoever redacts; an access token is not, but has a form of its own."""
    session_token = "".join(chance.choices('%/+="\\' + string.ascii_letters, k=length))
    access_token = "eyJ" + "".join(chance.choices("-_" + string.ascii_letters, k=length))
    for secret, known in ((session_token, [session_token]), (access_token, [session_token])):
        log = LOG | {"entries": [everywhere(ENTRY, secret)] * 2}
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
def test_a_text_is_scrubbed(text: str, scrubbed: str) -> None:
    assert scrub(text, ["", SECRET]) == scrubbed
    assert reveals(text, [SECRET]) == (SECRET in text or TOKEN in text)
