"""`when()` returns a `Rule`; `assert_all_used()` reports what a test prepared and did not use."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import Answer, FakeChatGPT, Pattern

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chatgpt_browser.testing import Turn
    from tests.support.site_client import Connect, SiteClient, StartServer


def test_rule_records_the_messages_that_it_answers(client: SiteClient) -> None:
    rule = client.server.when("weather", "Sunny.", times=2)
    assert not rule.called and rule.calls == [] and rule.last_call is None

    for text in ("weather 1", "other", "weather 2", "weather 3"):
        client.send(text)

    assert rule.called and rule.call_count == 2
    assert [str(call) for call in rule.calls] == ["weather 1", "weather 2"]
    assert rule.last_call is not None and rule.last_call.text == "weather 2"
    assert rule.last_call.request.json["messages"][0]["content"]["parts"] == ["weather 2"]
    assert "secret" not in repr(rule.last_call) and repr(rule) == "<Rule 'weather', 2 calls>"


def is_second(turn: Turn) -> bool:
    return turn.number == 2


WEATHER = Pattern("weather")


@pytest.mark.parametrize(
    ("pattern", "matching", "expected"),
    [
        (WEATHER & "Rome", ["weather in Rome"], "contains 'weather' and contains 'Rome'"),
        (
            WEATHER | re.compile("r.in"),
            ["weather", "weather in Rome", "rain"],
            "contains 'weather' or matches re.compile('r.in')",
        ),
        (WEATHER & ~Pattern("Rome"), ["weather"], "contains 'weather' and not (contains 'Rome')"),
        (
            (WEATHER | "rain") & "Rome",
            ["weather in Rome"],
            "(contains 'weather' or contains 'rain') and contains 'Rome'",
        ),
        ("weather" & Pattern("Rome"), ["weather in Rome"], "contains 'weather' and contains 'Rome'"),
        (
            re.compile("snow") | Pattern("rain"),
            ["rain", "snow in Rome"],
            "matches re.compile('snow') or contains 'rain'",
        ),
        (lambda turn: len(turn.message) == 4, ["rain"], "meets the condition <lambda>"),
        (is_second, [], "meets the condition is_second"),
    ],
)
def test_pattern_combination_answers_matching_messages(
    client: SiteClient, pattern: Any, matching: list[str], expected: str
) -> None:
    rule = client.server.when(pattern, "yes")
    for text in ("weather", "weather in Rome", "rain", "snow in Rome"):
        client.send(text)

    assert [str(call) for call in rule.calls] == matching
    assert str(rule.pattern) == f"a message that {expected}"


def test_pattern_combination_passes_the_match_to_a_function(client: SiteClient) -> None:
    pattern = WEATHER & re.compile(r"in (\w+)")
    client.server.when(pattern, lambda turn: "none" if turn.match is None else turn.match[0])
    assert client.send("weather in Rome").text == "weather"


def test_inverted_pattern_has_readable_texts() -> None:
    inverted = ~(WEATHER & "Rome")
    assert repr(inverted) == "~('weather' & 'Rome')"
    assert str(inverted) == "a message, but not one that contains 'weather' and contains 'Rome'"


@pytest.mark.parametrize("pattern", [None, 7, b"weather", re.compile(b"weather")])
def test_pattern_of_another_type_raises(pattern: Any) -> None:
    with pytest.raises(TypeError, match="a pattern must be a str, a compiled pattern or a function"):
        FakeChatGPT().when(pattern, "Sunny.")


# ---- assert_all_used -------------------------------------------------------------------------


def test_assert_all_used_after_use_of_everything_passes(client: SiteClient) -> None:
    server = client.server
    server.script("queued")
    server.when("weather", "Sunny.", times=5)
    server.when("never", "asked", optional=True)
    server.inject("server-error")
    server.inject("overloaded", optional=True)
    server.script_path("/models", Answer(200, {"models": []}))
    client.backend("GET", "/models")
    for text in ("refused", "refused too", "x", "weather"):
        client.send(text)

    server.assert_all_used()


PREPARATIONS: dict[str, tuple[Callable[[FakeChatGPT], object], list[str]]] = {
    "rule": (
        lambda server: server.when("wether in Rome", "Sunny."),
        [
            "when('wether in Rome', 'Sunny.') at ",
            "a message that contains 'wether in Rome'",
            "'weather in Rome' (the nearest of 2 messages)",
        ],
    ),
    "rule that resembles nothing": (
        lambda server: server.when(re.compile("[0-9]+ kg"), "Heavy."),
        [
            "when(re.compile('[0-9]+ kg'), 'Heavy.') at ",
            "matches re.compile('[0-9]+ kg')",
            "'hello' (the newest of 2 messages)",
        ],
    ),
    "combination": (
        lambda server: server.when(Pattern("weather") & ~Pattern("Rome"), "Sunny."),
        [
            "when(('weather' & ~('Rome')), 'Sunny.') at ",
            "contains 'weather' and not (contains 'Rome')",
            "'weather in Rome' (the nearest",
        ],
    ),
    "rule that a newer rule hides": (
        lambda server: (server.when("weather", "Sunny."), server.when("in Rome", "Rain.")),
        ["when('weather', 'Sunny.') at ", "'weather in Rome' (answered by when('in Rome', 'Rain.') at "],
    ),
    "rule that is added too late": (
        lambda server: server.when("hello", "Hi."),
        ["when('hello', 'Hi.') at ", "'hello' (answered by the default reply, before the rule was added)"],
    ),
    "rule whose function raises": (
        lambda server: server.when(lambda turn: {}[turn.message], "Never."),
        ["when(<lambda>, 'Never.') at ", "'hello' (the newest of 2 messages)"],
    ),
    "rule in another case": (
        lambda server: server.when("WEATHER IN ROMA", "Sunny."),
        ["when('WEATHER IN ROMA', 'Sunny.') at ", "'weather in Rome' (the nearest of 2 messages)"],
    ),
    "rule with a similar regular expression": (
        lambda server: server.when(re.compile(r"(?i)^\s*the\s+weather\s+in\s+(?P<city>R.me)\?$"), "Sunny."),
        ["matches re.compile(", "'weather in Rome' (the nearest of 2 messages)"],
    ),
    "rule whose message a fault refuses": (
        lambda server: (server.when("Rome", "Sunny."), server.inject("overloaded")),
        [
            "when('Rome', 'Sunny.') at ",
            "'hello' (the newest of 1 message); 1 message refused by 'overloaded'",
        ],
    ),
    "fault after another fault": (
        lambda server: (server.inject("overloaded", times=None), server.inject("server-error")),
        [
            "inject('server-error') at ",
            "(the nearest of 3 requests), to which the fault 'overloaded' was applied",
        ],
    ),
    "queue": (
        lambda server: server.script("First.", "Second."),
        [
            "script('First.') at ",
            "1 further message",
            "script('Second.') at ",
            "2 further messages",
            "'hello' (the newest of 2 messages)",
        ],
    ),
    "fault at a path": (
        lambda server: server.inject("server-error", path="/models"),
        ["inject('server-error') at ", "a request to /models", "(the newest of 3 requests)"],
    ),
    "fault that comes later": (
        lambda server: server.inject("server-error", after=5),
        [
            "inject('server-error') at ",
            "a message, after 5 such requests",
            "POST /backend-api/conversation' (the nearest of 3",
        ],
    ),
    "fault of a reply": (
        lambda server: server.inject("cut-short", after=2),
        ["inject('cut-short') at ", "a message that is answered with a Reply"],
    ),
    "lifted fault": (
        lambda server: server.inject("overloaded").lift(),
        ["inject('overloaded') at ", "before the fault was lifted"],
    ),
    "response of the session": (
        lambda server: server.script_session("signed_out"),
        ["script_session('signed_out') at ", "1 further request whose path ends with '/api/auth/session'"],
    ),
    "response at a path": (
        lambda server: server.script_path("/models", Answer.server_error()),
        [
            "script_path(Answer(500)) at ",
            "1 further request whose path ends with '/models'",
            "no such request",
        ],
    ),
}


@pytest.mark.parametrize(("prepare", "parts"), PREPARATIONS.values(), ids=PREPARATIONS)
def test_assert_all_used_names_what_was_not_used(
    client: SiteClient, prepare: Callable[[FakeChatGPT], object], parts: list[str]
) -> None:
    late = parts[0].startswith(
        ("script(", "inject('overloaded'", "inject('cut", "when('hello'", "when(<lambda>")
    )
    if not late:
        prepare(client.server)
    client.send("weather in Rome")
    client.send("hello")
    if late:
        prepare(client.server)

    with pytest.raises(AssertionError, match=r"^FakeChatGPT: the test and its script do not agree") as caught:
        client.server.assert_all_used()
    text = str(caught.value)
    for part in parts:
        assert part in text
    assert "test_assertions.py:" in text


def test_assert_all_used_compares_the_end_of_a_long_message(client: SiteClient) -> None:
    client.server.when("the weather in Rome", "Sunny.")
    client.send("x" * 2000 + " the wether in Rome")
    client.send("hello")
    with pytest.raises(AssertionError, match=r"the wether in Rome' \(the nearest of 2 messages\)"):
        client.server.assert_all_used()


def test_assert_all_used_prefers_the_message_with_the_same_number(client: SiteClient) -> None:
    client.server.when("rule 2", "Two.")
    for number in range(4):
        client.send(f"the rule number {number}")
    with pytest.raises(AssertionError, match=r"'the rule number 2' \(the nearest of 4 messages\)"):
        client.server.assert_all_used()


def test_assert_all_used_shortens_long_texts(client: SiteClient) -> None:
    client.server.when(Pattern("a" * 5000) & re.compile("b" * 5000), "c" * 5000)
    client.send("d" * 5000)
    with pytest.raises(AssertionError) as caught:
        client.server.assert_all_used()
    assert len(str(caught.value)) < 2000


def test_assert_all_used_without_messages_says_so() -> None:
    server = FakeChatGPT(replies=["First."])
    line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
    server.when("weather", "Sunny.")
    with pytest.raises(AssertionError) as caught:
        server.assert_all_used()

    text = str(caught.value)
    assert text.count("no message") == 2 and "reply 'First.' at " in text and "(2 differences)" in text
    assert f"tests/testing/test_assertions.py:{line}" in text


def test_assert_all_used_names_replies_of_a_recording(start_server: StartServer, tmp_path: Path) -> None:
    server, path = start_server(), tmp_path / "note.jsonl"
    path.write_text('{"recording": 1}\n{"message": "x"}\n{"end": "done", "at": 0}\n')
    server.replay(path)
    with pytest.raises(
        AssertionError, match=r"replay\('note.jsonl'\) at .*\n +expected: \d+ further messages?"
    ):
        server.assert_all_used()


# ---- strict ----------------------------------------------------------------------------------------


def test_strict_server_refuses_a_message_that_no_rule_expects(
    start_server: StartServer, connect: Connect
) -> None:
    server = start_server(strict=True)
    server.when("weather in Rome", "Sunny.", times=1)
    client = connect(server)

    assert client.send("weather in Rome").text == "Sunny."
    result = client.send("weather in Room")
    assert result.response.status_code == 400 and "no rule expects 'weather in Room'" in result.response.text
    client.send("weather in Rome")

    with pytest.raises(AssertionError) as caught:
        server.assert_all_used()
    text = str(caught.value)
    assert "a message that no rule expected\n    expected: a message that contains 'weather in Rome'" in text
    assert "(the nearest of 1 rule: when('weather in Rome', 'Sunny.') at " in text
    assert ", which has answered 1 message)" in text and "asked:    'weather in Room'" in text


def test_strict_server_with_default_reply_raises() -> None:
    with pytest.raises(ValueError, match="reply answers every message"):
        FakeChatGPT(strict=True, reply="Hello.")
