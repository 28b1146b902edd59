"""Cassettes as plain data: secrets in deltas, names of files, and the drift between two recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatgpt_browser.testing.recording.cassette import CassetteRecorder, cassette_path
from chatgpt_browser.testing.recording.delta_scrubber import scrub_deltas
from chatgpt_browser.testing.recording.drift import drift
from chatgpt_browser.testing.recording.scrubber import Scrubber

TEXT_PATH = "/message/content/parts/0"
SECRETS = ["ada@example.com", "sk-abcdefgh12345678", "my-session-token-1234567890"]
TEXT = f"Mail {SECRETS[0]}, use {SECRETS[1]} or {SECRETS[2]} now, and again {SECRETS[0]}."


def root(text: str, channel: int = 0) -> dict[str, Any]:
    message = {
        "id": "m",
        "author": {"role": "assistant"},
        "content": {"content_type": "text", "parts": [text]},
    }
    return {"p": "", "o": "add", "c": channel, "v": {"message": message, "conversation_id": "c"}}


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    ends = sorted({min(cut, len(text)) for cut in cuts} | {len(text)})
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@settings(max_examples=60)
@given(cuts=st.lists(st.integers(0, len(TEXT)), max_size=20), is_patched=st.booleans())
def test_scrub_deltas_split_secrets_are_replaced_as_in_the_whole_text(
    cuts: list[int], is_patched: bool
) -> None:
    first, *rest = pieces_of(TEXT, cuts)
    deltas: list[dict[str, Any]] = [root(first), *({"v": piece} for piece in rest)]
    if len(deltas) > 1:
        deltas[1] = {"p": TEXT_PATH, "o": "append", "v": rest[0]}
        if is_patched:
            deltas[-1] = {"p": "", "o": "patch", "v": [{"p": TEXT_PATH, "o": "append", "v": rest[-1]}]}
    scrubber = Scrubber()
    scrubber.add_secrets("session-token", [SECRETS[2]])
    before = json.dumps(deltas)
    scrubbed = scrub_deltas(deltas, scrubber)

    assert json.dumps(deltas) == before
    texts = [delta["v"][0]["v"] if isinstance(delta["v"], list) else delta["v"] for delta in scrubbed[1:]]
    whole = scrubbed[0]["v"]["message"]["content"]["parts"][0] + "".join(texts)
    assert whole == "Mail [email], use [token] or [session-token] now, and again [email]."
    assert [delta.keys() for delta in scrubbed] == [delta.keys() for delta in deltas]


def test_scrub_deltas_other_values_and_channels_are_scrubbed_separately() -> None:
    deltas = [
        root("", channel=1),
        root("", channel=2),
        {"c": 1, "p": TEXT_PATH, "o": "append", "v": "ada@exam"},
        {"c": 2, "p": TEXT_PATH, "o": "append", "v": "Hello"},
        {"c": 1, "v": "ple.com"},
        {"p": "/message/metadata/user_id", "o": "replace", "v": "user-abcdefgh1"},
        {"p": "/message/metadata", "o": "append", "v": {"resume_token": "x1", "model_slug": "m"}},
        {"v": 1, "signature": "abc", "other": "abc"},
    ]
    values = [delta["v"] for delta in scrub_deltas(deltas, Scrubber())[2:]]

    assert values == [
        "",
        "Hello",
        "[email]",
        "[user_id]",
        {"resume_token": "[resume_token]", "model_slug": "m"},
        1,
    ]
    assert scrub_deltas(deltas, Scrubber())[-1] == {"v": 1, "signature": "[signature]", "other": "abc"}


def test_cassette_recorder_unsent_and_unfinished_messages() -> None:
    recorder = CassetteRecorder()
    recorder.observe_reply("never sent").on_end(None, None)
    recorder.observe_reply("in flight").on_event({"type": "ping"})
    recorder.observe_reply("mail ada@example.com").on_end(TimeoutError(), None)

    class ChatGPTTimeoutError(Exception):
        pass

    recorder.observe_reply("tok-secret-1").on_end(ChatGPTTimeoutError(), None)
    kept = recorder.lines(["tok-secret-1"], ("access", {"user": {"name": "Lovelace"}}))
    assert kept[1:] == [
        {"session": {"user": {"name": "[str]"}}},
        {"message": "in flight"},
        {"event": {"type": "ping"}, "at": kept[3]["at"]},
        {"end": "left", "at": kept[4]["at"]},
        {"message": "[session-token]"},
        {"end": "stalled", "at": kept[6]["at"]},
    ]


def test_cassette_path_is_unique_and_beside_the_module() -> None:
    module = Path("/x/test_a.py")
    assert cassette_path(module, "TestB::test_c") == Path("/x/cassettes/test_a/TestB.test_c.jsonl")
    assert cassette_path(module, "test_c[1-é]").name == "test_c[1-é].jsonl"
    odd = [
        "test_c[a/b]",
        "test_c[a:b]",
        "test_c[a::b]",
        "test_c[a.b]",
        "test_c[" + "x" * 300 + "]",
        "test_c[" + "x" * 301 + "]",
        "test_c[..]",
    ]
    names = [cassette_path(module, name).name for name in odd]
    assert len({*names}) == len(names) and max(map(len, names)) < 150
    assert all(cassette_path(module, name).parent == module.parent / "cassettes/test_a" for name in odd)


# ---- drift -------------------------------------------------------------------------------------------


def recording(*lines: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"recording": 1}, {"message": "x"}, *lines, {"end": "done", "at": 1}]


def event(**fields: Any) -> dict[str, Any]:
    return {"event": {"message": {"author": {"role": "assistant"}, **fields}}, "at": 0}


EVENT = "message 1, event of the assistant with text"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            [event(content={"parts": ["a"]})], [event(content={"parts": ["b", "c"]})] * 2, [], id="texts"
        ),
        pytest.param(
            [event(metadata={"a": 1, "b": {"c": 1}})],
            [event(metadata={"a": "x", "d": []})],
            [
                (f"{EVENT}: message.metadata.a", "int", "str"),
                (f"{EVENT}: message.metadata.b", "dict", "absent"),
                (f"{EVENT}: message.metadata.d", "absent", "list"),
            ],
            id="keys and types",
        ),
        pytest.param(
            [event(sources=[{"url": "a"}])],
            [event(sources=[{"url": None, "title": ""}])],
            [
                (f"{EVENT}: message.sources[].url", "str", "null"),
                (f"{EVENT}: message.sources[].title", "absent", "str"),
            ],
            id="items of lists",
        ),
        pytest.param(
            [{"event": {"type": "ping"}, "at": 0}],
            [{"delta": root("x"), "at": 0}],
            [
                ("message 1, event 'ping'", "present", "absent"),
                ("message 1, delta with event of the assistant with text", "absent", "present"),
            ],
            id="kinds",
        ),
        pytest.param(
            [{"delta": root(""), "at": 0}, {"delta": {"p": "/a/0", "o": "append", "v": "x"}, "at": 0}],
            [
                {"delta": root(""), "at": 0},
                {"delta": {"p": "/a/1", "o": "append", "v": "x"}, "at": 0},
                {"delta": {"v": "y"}, "at": 0},
                {"delta": {"p": "", "o": "patch", "v": [{"p": "/b", "o": "add", "v": 1}]}, "at": 0},
            ],
            [("message 1, delta 'add' of /b", "absent", "present")],
            id="deltas",
        ),
        pytest.param(
            [{"answer": {"status": 429, "body": {"detail": "x"}, "headers": {}}, "at": 0}],
            [{"answer": {"status": 429, "body": {"detail": {"code": "x"}}, "headers": {}}, "at": 0}],
            [("message 1, response with status 429: detail", "str", "dict")],
            id="refusals",
        ),
    ],
)
def test_drift_compares_keys_and_types(old: Any, new: Any, expected: list[tuple[str, str, str]]) -> None:
    assert [*map(tuple, drift(recording(*old), recording(*new)))] == expected


def test_drift_keys_that_are_ids_and_further_messages_are_not_compared() -> None:
    ids = [f"00000000-0000-4000-8000-00000000000{digit}" for digit in "12"]
    old, new = (recording(event(files={each: 1})) for each in ids)
    assert drift(old, [*new, *new[1:]]) == []
    assert [str(each) for each in drift(recording(), [*recording()[:-1], {"end": "broken", "at": 1}])] == [
        "message 1, end 'broken'\n    expected: absent\n    received: present"
    ]
