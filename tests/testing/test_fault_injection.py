"""`FakeChatGPT.inject`: the requests that faults apply to."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import FAULTS, Answer, FakeChatGPT, Fault, Refusal, Reply, ReplyFault

if TYPE_CHECKING:
    from tests.support.site_client import Connect, SiteClient, StartServer


def statuses(client: SiteClient, count: int) -> list[int]:
    return [client.send("x").response.status_code for _ in range(count)]


def test_inject_default_applies_once(client: SiteClient) -> None:
    injection = client.server.inject("rate-limit-header")

    assert statuses(client, 3) == [429, 200, 200]
    assert [record.fault for record in client.server.requests[-3:]] == ["rate-limit-header", None, None]
    assert injection.struck == [client.server.requests[-3]]
    assert repr(injection) == "<Injection rate-limit-header, struck 1, 0 more>"


def test_inject_times_and_after_select_requests(client: SiteClient) -> None:
    client.server.inject("server-error", times=2, after=1)
    assert statuses(client, 4) == [200, 500, 500, 200]


def test_inject_without_limit_applies_until_lifted(client: SiteClient) -> None:
    with client.server.inject("overloaded", times=None) as injection:
        assert statuses(client, 3) == [503] * 3

    assert statuses(client, 1) == [200]
    assert len(injection.struck) == 3 and injection.left == 0


def test_inject_probability_is_reproducible_with_seed(client: SiteClient) -> None:
    def drawn(seed: int) -> list[int]:
        with client.server.inject("server-error", times=None, probability=0.5, seed=seed):
            return statuses(client, 40)

    first, again, other = drawn(1), drawn(1), drawn(2)

    assert first == again != other
    assert 8 < Counter(first)[500] < 32


def test_inject_several_apply_in_order(client: SiteClient) -> None:
    client.server.inject("server-error")
    client.server.inject("message-too-long")
    assert statuses(client, 3) == [500, 413, 200]


def test_refusal_takes_no_scripted_step(client: SiteClient) -> None:
    client.server.script("scripted")
    client.server.inject("server-error")

    assert client.send("x").response.status_code == 500
    assert client.send("x").text == "scripted"


def test_spoiling_changes_next_reply(client: SiteClient) -> None:
    client.server.script(Answer(418), "one two three four")
    client.server.inject("error-event")

    assert client.send("x").response.status_code == 418, "a reply fault applies only to a `Reply`"
    result = client.send("x")
    assert result.texts[-1] == "one two three four"
    assert result.events[-1]["error"]["message"].startswith("Something went wrong")


def test_inject_path_replaces_fault_path(client: SiteClient) -> None:
    client.server.inject("server-error", path="/models")

    assert statuses(client, 1) == [200]
    assert client.backend("GET", "/models").status_code == 500
    assert client.backend("GET", "/models").status_code == 200


def test_session_fault_ignores_navigation(client: SiteClient) -> None:
    client.server.inject("session-signed-out")
    url = f"{client.server.api_base_url}/auth/session"
    client.http.get(url, headers={"sec-fetch-mode": "navigate"})

    assert client.get_session().json() == {}
    assert client.get_session().json()["accessToken"]


def test_challenge_in_mid_conversation_applies_to_second_message(client: SiteClient) -> None:
    client.server.inject("challenge-in-mid-conversation")
    first = client.send("one")
    assert first.response.status_code == 200

    second = client.send("two", first.position)
    assert second.response.headers["cf-mitigated"] == "challenge"


def test_redirect_other_name_redirects_requests_to_public_origin(
    start_server: StartServer, connect: Connect
) -> None:
    server = start_server(tls=True, public_origin="https://chatgpt.com")
    server.inject("redirect-other-name", times=None)
    local = f"https://127.0.0.1:{server.port}/backend-api/models?x=1"
    http = connect(server, signed_in=False).http

    moved = http.get(local, headers={"host": "chatgpt.com"})
    assert moved.status_code == 308
    assert moved.headers["location"] == "https://chat.openai.com/backend-api/models?x=1"
    assert http.get(local, headers={"host": "chat.openai.com"}).status_code == 401


def test_inject_custom_fault_is_applied(client: SiteClient) -> None:
    teapot = Refusal("teapot", "418.", answer=lambda site, record: Answer(418))
    twice = ReplyFault("twice", "Send the text twice.", damage=lambda reply: Reply(reply.text * 2))
    client.server.inject(teapot)
    client.server.inject(twice)
    client.server.script("ha")

    assert client.send("x").response.status_code == 418
    assert client.send("x").text == "haha"


@pytest.mark.parametrize(
    ("arguments", "message"),
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
def test_inject_invalid_argument_raises(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FakeChatGPT().inject(**arguments)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_fault_has_description_and_name(fault: Fault) -> None:
    assert fault.description.endswith(".")
    assert fault.name == fault.name.lower().replace("_", "-")
