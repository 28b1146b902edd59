"""Faults by name: which requests they strike, and how often."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import FAULTS, Answer, FakeChatGPT, Fault, Refusal, Reply, Spoiling

if TYPE_CHECKING:
    from tests.testing.conftest import Serve, Visit, Visitor


def statuses(visitor: Visitor, count: int) -> list[int]:
    return [visitor.say("x").response.status_code for _ in range(count)]


def test_inject_default_applies_once(visitor: Visitor) -> None:
    injection = visitor.server.inject("rate-limit-header")

    assert statuses(visitor, 3) == [429, 200, 200]
    assert [record.fault for record in visitor.server.requests[-3:]] == ["rate-limit-header", None, None]
    assert injection.struck == [visitor.server.requests[-3]]
    assert repr(injection) == "<Injection rate-limit-header, struck 1, 0 more>"


def test_inject_times_and_after_select_requests(visitor: Visitor) -> None:
    visitor.server.inject("server-error", times=2, after=1)
    assert statuses(visitor, 4) == [200, 500, 500, 200]


def test_inject_without_limit_applies_until_lifted(visitor: Visitor) -> None:
    with visitor.server.inject("overloaded", times=None) as injection:
        assert statuses(visitor, 3) == [503] * 3

    assert statuses(visitor, 1) == [200]
    assert len(injection.struck) == 3 and injection.left == 0


def test_inject_probability_is_reproducible_with_seed(visitor: Visitor) -> None:
    def drawn(seed: int) -> list[int]:
        with visitor.server.inject("server-error", times=None, probability=0.5, seed=seed):
            return statuses(visitor, 40)

    first, again, other = drawn(1), drawn(1), drawn(2)

    assert first == again != other
    assert 8 < Counter(first)[500] < 32


def test_inject_several_apply_in_order(visitor: Visitor) -> None:
    visitor.server.inject("server-error")
    visitor.server.inject("message-too-long")
    assert statuses(visitor, 3) == [500, 413, 200]


def test_refusal_takes_no_scripted_step(visitor: Visitor) -> None:
    visitor.server.script("scripted")
    visitor.server.inject("server-error")

    assert visitor.say("x").response.status_code == 500
    assert visitor.say("x").text == "scripted"


def test_spoiling_changes_next_reply(visitor: Visitor) -> None:
    visitor.server.script(Answer(418), "one two three four")
    visitor.server.inject("error-event")

    assert visitor.say("x").response.status_code == 418, "it waits for a reply that it can spoil"
    said = visitor.say("x")
    assert said.texts[-1] == "one two three four"
    assert said.events[-1]["error"].startswith("Something went wrong")


def test_inject_path_replaces_fault_path(visitor: Visitor) -> None:
    visitor.server.inject("server-error", path="/models")

    assert statuses(visitor, 1) == [200]
    assert visitor.backend("GET", "/models").status_code == 500
    assert visitor.backend("GET", "/models").status_code == 200


def test_session_fault_ignores_navigation(visitor: Visitor) -> None:
    visitor.server.inject("session-signed-out")
    url = f"{visitor.server.api_base_url}/auth/session"
    visitor.http.get(url, headers={"sec-fetch-mode": "navigate"})

    assert visitor.session().json() == {}
    assert visitor.session().json()["accessToken"]


def test_challenge_in_mid_conversation_applies_to_second_message(visitor: Visitor) -> None:
    visitor.server.inject("challenge-in-mid-conversation")
    first = visitor.say("one")
    assert first.response.status_code == 200

    second = visitor.say("two", first.place)
    assert second.response.headers["cf-mitigated"] == "challenge"


def test_redirect_other_name_redirects_requests_to_public_origin(serve: Serve, visit: Visit) -> None:
    server = serve(tls=True, public_origin="https://chatgpt.com")
    server.inject("redirect-other-name", times=None)
    local = f"https://127.0.0.1:{server.port}/backend-api/models?x=1"
    http = visit(server, signed_in=False).http

    moved = http.get(local, headers={"host": "chatgpt.com"})
    assert moved.status_code == 308
    assert moved.headers["location"] == "https://chat.openai.com/backend-api/models?x=1"
    assert http.get(local, headers={"host": "chat.openai.com"}).status_code == 401


def test_inject_custom_fault_is_applied(visitor: Visitor) -> None:
    teapot = Refusal("teapot", "418.", answer=lambda site, record: Answer(418))
    twice = Spoiling("twice", "Says it twice.", spoil=lambda reply: Reply(reply.text * 2))
    visitor.server.inject(teapot)
    visitor.server.inject(twice)
    visitor.server.script("ha")

    assert visitor.say("x").response.status_code == 418
    assert visitor.say("x").text == "haha"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"fault": "rate-limit-heder"}, "did you mean rate-limit-header"),
        ({"fault": "§"}, "the faults are token-expired"),
        ({"fault": "server-error", "times": 0}, "times"),
        ({"fault": "server-error", "probability": 0}, "probability"),
        ({"fault": "server-error", "probability": 1.1}, "probability"),
        ({"fault": "server-error", "after": -1}, "after"),
        ({"fault": "broken-body", "path": "/models"}, "only one path"),
        ({"fault": "redirect-other-name"}, "public_origin of https://chat.openai.com or"),
    ],
)
def test_inject_invalid_argument_raises(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        FakeChatGPT().inject(**arguments)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_fault_has_description_and_name(fault: Fault) -> None:
    assert fault.description.endswith(".")
    assert fault.name == fault.name.lower().replace("_", "-")
