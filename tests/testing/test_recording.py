"""Recording and replay: a replay gives the same outcomes, and a recording contains no secret."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import stat
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI, ChatGPTError
from chatgpt_browser.testing import Answer, FakeChatGPT, Pace, Recorder, Reply
from chatgpt_browser.testing.recording.delta_scrubber import scrub_deltas
from chatgpt_browser.testing.recording.scrubber import Scrubber
from tests.support.scripted_site import base_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.site_client import SiteClient

#: A client for tests that record no message.
UNUSED: Any = None

# ---- secrets -----------------------------------------------------------------------------------------

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
words = st.integers(0, 2**32).map(
    lambda seed: "".join(random.Random(seed).choices(LETTERS, k=20 + seed % 40))
)
long_words = st.lists(words, min_size=200, max_size=200, unique=True).map("".join)
emails = st.tuples(
    st.from_regex(r"[a-z]{6,10}\.[a-z]{6,10}", fullmatch=True), st.sampled_from(["example.com", "uni.edu"])
)


def jose(*parts: str) -> str:
    return base64.urlsafe_b64encode(b'{"alg":"dir"}').decode().rstrip("=") + "." + ".".join(parts)


@st.composite
def secrets(draw: st.DrawFn) -> dict[str, str]:
    return {
        "session token": draw(
            st.one_of(words, st.tuples(words, words).map(lambda two: jose("", *two)), long_words)
        ),
        "access token": jose(draw(words), draw(words)),
        "foreign token": jose(draw(words)),
        "email": "@".join(draw(emails)),
        "foreign email": "@".join(draw(emails)),
        "user": "user-" + draw(words),
        "account": "org-" + draw(words),
        "cookie": draw(words),
    }


class ClientWithSecrets:
    """A client for a recorder, with secrets in every place where a site could put them."""

    def __init__(self, secrets: dict[str, str], cuts: list[int], error: Exception | None) -> None:
        self.secrets = secrets
        self.session_token = secrets["session token"]
        self._cuts = cuts
        self._error = error

    def get_session(self) -> Any:
        user = {"id": self.secrets["user"], "email": self.secrets["email"], "groups": []}
        raw = {
            "user": user,
            "account": {"id": self.secrets["account"]},
            "accessToken": self.secrets["access token"],
            "sessionToken": self.session_token,
        }
        return SimpleNamespace(raw=raw, access_token=self.secrets["access token"])

    def send_message(self, message: str, on_conversation_response: Callable[[Any], Any]) -> str:
        shown = [secret for name, secret in self.secrets.items() if name != "cookie"]
        text = f"You said: {' and '.join(shown)}"
        for end in sorted({min(cut, len(text)) for cut in self._cuts} | {len(text)}):
            on_conversation_response(self._event(text[:end]))
        on_conversation_response({"type": "resume_conversation_token", "token": self.secrets["cookie"]})
        if self._error is not None:
            raise self._error
        return text

    def _event(self, text: str) -> dict[str, Any]:
        metadata = {
            "user_id": self.secrets["user"],
            "resume_token": self.secrets["cookie"],
            "request": f"{self.secrets['access token']}/{self.secrets['email']}",
            self.secrets["foreign token"]: [self.session_token],
        }
        message = {"id": "m", "role": "assistant", "content": {"parts": [text]}, "metadata": metadata}
        return {"message": message, "conversation_id": "c", "error": None}


def assert_no_secret_in(recording: str, secrets: dict[str, str]) -> None:
    recording = json.dumps([json.loads(line) for line in recording.splitlines()], ensure_ascii=False)
    for name, secret in secrets.items():
        for start in range(len(secret) - 12):
            assert secret[start : start + 12] not in recording, name


class RefusedError(Exception):
    status_code = 403

    def __init__(self, body: str) -> None:
        self.body = body


@settings(max_examples=40)
@given(
    secrets=secrets(),
    cuts=st.lists(st.integers(1, 600), max_size=12),
    fails=st.sampled_from([None, "JSON", "text"]),
)
def test_recorder_removes_every_secret(secrets: dict[str, str], cuts: list[int], fails: str | None) -> None:
    body = " ".join(secret for name, secret in secrets.items() if name != "cookie")
    error = None if fails is None else RefusedError(json.dumps({"detail": body}) if fails == "JSON" else body)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.jsonl"
        with Recorder(ClientWithSecrets(secrets, cuts, error), path) as recorder:
            try:
                recorder.send_message("Is this mine? " + body)
            except RefusedError:
                pass

        assert_no_secret_in(path.read_text("utf-8"), secrets)


NAMED = {
    "[image](https://a.example/f?se=2026&sig=K9%2BabQ%2Fxy%3D&v=0)": "K9%2BabQ%2Fxy%3D",
    "https://a.example/?X-Amz-Signature=0f3c&amp;X-Amz-Security-Token=Fw/x+a": "0f3c Fw/x+a",
    "https://a.example/callback?code=ab12&state=x": "ab12",
    "Cookie: __Secure-next-auth.session-token.0=ab.12; cf_clearance=x.1-2; theme=dark": "ab.12 x.1-2",
    "Authorization: Basic YTpi": "YTpi",
}


@pytest.mark.parametrize(("text", "values"), NAMED.items())
def test_scrubber_replaces_values_after_the_name_of_a_secret(text: str, values: str) -> None:
    expected = text
    for value in values.split():
        expected = expected.replace(value, "[secret]")
    assert Scrubber().text(text) == Scrubber().value(text) == expected
    assert Scrubber().text(expected) == expected

    pieces = [{"p": "/message/content/parts/0", "o": "append", "v": ""}, *({"v": each} for each in text)]
    assert "".join(each["v"] for each in scrub_deltas(pieces, Scrubber())) == expected


@pytest.mark.parametrize("text", ["authorization: read only", "?page=2&zip=1", "session=5", "a.b/?author=x"])
def test_scrubber_keeps_values_after_other_names(text: str) -> None:
    assert Scrubber().text(text) == text


def test_scrubber_keeps_words_and_numbers_ids(tmp_path: Path) -> None:
    scrubber = Scrubber()
    scrubber.add_secrets("user", ["Ada", "ada@example.com"])
    text = "def f(x):\n    return {'session': x, 'é': 1}  # 世界, see https://example.com/a-b_c?d=1"

    assert scrubber.text(text) == text
    assert scrubber.text("mail ada@example.com now, or bob@b.org") == "mail [user] now, or [email]"
    assert scrubber.text("mail ada@exa") == "mail [email]"
    scrubber.add_secrets("user", ["a-handle-of-mine"])
    assert scrubber.text("I am a-handle-of-m") == "I am "
    first, second = str(uuid4()), str(uuid4())
    assert scrubber.value({"id": first, "of": [first, second]}) == {
        "id": "00000000-0000-4000-8000-000000000001",
        "of": ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"],
    }


# ---- with a browser ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[FakeChatGPT, ChatGPTAPI]]:
    with (
        FakeChatGPT() as server,
        ChatGPTAPI(server.session_token, idle_timeout=2000, **base_urls(server)) as api,
    ):
        yield server, api


def outcomes(api: ChatGPTAPI, conversation: Any, events: dict[str, list[Any]]) -> list[str]:
    """Send six messages; return their outcomes, and store their events. The client remembers no rate limit."""

    def send(message: str) -> str:
        events[message] = []
        api._core._sender.pace.forget_limits()
        try:
            return str(conversation.send_message(message, on_conversation_response=events[message].append))
        except ChatGPTError as error:
            return f"{type(error).__name__}: {error}"

    return [send(message) for message in ("one", "two", "three", "four", "five", "six")]


def test_replay_gives_same_outcomes_as_recording(
    pair: tuple[FakeChatGPT, ChatGPTAPI], tmp_path: Path
) -> None:
    server, api = pair
    path = tmp_path / "talk.jsonl"
    slow = Reply("one two three four five six", pace=Pace(events=50))
    limit, second = Answer.too_many_requests(retry_after=120), Reply("Second reply", moderation=True)
    server.script("First, ä.", limit, second, slow)
    server.inject("token-expired", times=2, after=3)
    server.inject("broken-body", after=2)
    server.inject("stall-in-the-middle", after=2)
    events: dict[str, list[Any]] = {}
    with Recorder(api, path) as recorder:
        conversation = recorder.get_conversation()
        recorded = outcomes(api, conversation, events)

    assert [outcome.partition(":")[0] for outcome in recorded] == [
        "First, ä.",
        "RateLimitError",
        "Second reply",
        "AccessTokenRejectedError",
        "StreamInterruptedError",
        "ChatGPTTimeoutError",
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert_no_secret_in(
        path.read_text("utf-8"), {"session token": server.session_token, "email": "ada@example.com"}
    )

    server.replay(path)
    again: dict[str, list[Any]] = {}
    fresh = api.get_conversation()
    assert outcomes(api, fresh, again) == recorded
    # A browser may discard data that arrives together with the end of a broken connection. This can be any number of events.
    broken = [[*map(texts, each.pop("five"))] for each in (again, events)]
    length = min(map(len, broken))
    assert broken[0][:length] == broken[1][:length]
    assert {message: [*map(texts, each)] for message, each in again.items()} == {
        message: [*map(texts, each)] for message, each in events.items()
    }
    assert fresh.conversation_id in server.conversations
    assert api.send_message("And now?") == 'You said: "And now?".', "the recording is over"


def texts(event: Any) -> Any:
    message = event.get("message")
    return message and (message["role"], message["content"]["parts"], message["status"])


@pytest.mark.anyio
async def test_recorder_async_client_records_concurrent_messages(tmp_path: Path) -> None:
    with FakeChatGPT(reply="Hello.") as server:
        async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
            with Recorder(api, tmp_path / "one.jsonl") as recorder:
                first, second = await asyncio.gather(recorder.send_message("a"), recorder.send_message("b"))

    assert first == second == "Hello."
    ends = [line for line in (tmp_path / "one.jsonl").read_text("utf-8").splitlines() if '"end"' in line]
    assert len(ends) == 2


# ---- without a browser -------------------------------------------------------------------------------

EVENT = {"message": {"id": "m", "author": {"role": "assistant"}, "content": {"parts": ["a"]}}}


def recording(folder: Path, *lines: Any, name: str = "recording.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    return path


def test_replay_speed_scales_recorded_times(client: SiteClient, tmp_path: Path) -> None:
    lines = [
        {"recording": 1},
        {"message": "x"},
        {"event": EVENT, "at": 0.1},
        {"append": "b", "at": 0.2},
        {"end": "done", "at": 0.3},
    ]
    path = recording(tmp_path, *lines)

    slow = recording(tmp_path, *lines[:-1], {"end": "done", "at": 50}, name="slow.jsonl")

    def seconds(speed: float | None, path: Path = path) -> float:
        client.server.replay(path, speed=speed)
        started = time.perf_counter()
        assert client.send("x").texts == ["a", "ab"]
        return time.perf_counter() - started

    assert seconds(1) >= 0.3
    assert seconds(3) >= 0.1
    assert seconds(None, slow) < 50


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [{}],
        [{"recording": 2}],
        [[]],
        [{"recording": 1}, {"append": "x", "at": 0}],
        [{"recording": 1}, {"end": "done"}],
        [{"recording": 1}, 7],
        [{"recording": 1}, {"message": "x"}, {"delta": "y", "at": 0}, {"end": "done", "at": 0}],
        [{"recording": 1}, {"message": "x"}, {"event": {}, "at": 0}],
        [{"recording": 1}, {"message": "x"}, {"message": "y"}, {"end": "done", "at": 0}],
    ],
)
def test_replay_invalid_file_raises(lines: list[Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"recording\.jsonl is not a valid recording"):
        FakeChatGPT().replay(recording(tmp_path, *lines))


def test_replay_speed_zero_raises(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="speed"):
        FakeChatGPT().replay(recording(tmp_path, {"recording": 1}), speed=0)


def test_recorder_existing_file_becomes_private(tmp_path: Path) -> None:
    path = recording(tmp_path, "old content")
    path.chmod(0o644)
    Recorder(UNUSED, path).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "old content" not in path.read_text()


@pytest.mark.skipif(os.name != "posix", reason="links, FIFOs and modes of POSIX")
@pytest.mark.timeout(60)
def test_recorder_replaces_a_link_and_refuses_a_fifo(tmp_path: Path) -> None:
    victim, path, fifo = tmp_path / "victim", tmp_path / "recording", tmp_path / "fifo"
    victim.write_text("precious")
    path.symlink_to(victim)
    Recorder(UNUSED, path).close()
    assert victim.read_text() == "precious"
    assert not path.is_symlink() and path.stat().st_mode & 0o777 == 0o600

    os.mkfifo(fifo)
    with pytest.raises(OSError, match="not a regular file"):
        Recorder(UNUSED, fifo)
    assert sorted(tmp_path.iterdir()) == sorted([victim, path, fifo])


def test_recorder_with_half_a_character_writes_it_escaped(tmp_path: Path) -> None:
    with Recorder(UNUSED, tmp_path / "recording") as recorder:
        recorder._write({"append": "half: \ud83d"})
    lines = (tmp_path / "recording").read_text("utf-8").splitlines()
    assert json.loads(lines[-1]) == {"append": "half: \ud83d"}
