"""Parsing of the message in a request of the site's page, and its comparison with the message to send."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from typing import Any

import pytest

from chatgpt_browser import OptionNotAppliedError, PageError
from chatgpt_browser._core.models import Prompt
from chatgpt_browser._protocol.conversation_tree import Turn
from chatgpt_browser._transport.site_ui.captured_request import (
    CapturedRequest,
    check_captured_request,
    parse_captured_request,
)
from chatgpt_browser._transport.site_ui.posted_body import body_of

TEXT = "Hello, you"
MESSAGE = {
    "id": "b",
    "author": {"role": "user"},
    "content": {"content_type": "text", "parts": [TEXT]},
    "metadata": {},
}
BODY = {"action": "next", "messages": [MESSAGE], "conversation_id": "c", "parent_message_id": "p"}
PROMPT, TURN = Prompt(TEXT, "c"), Turn("q", ("p",), frozenset({"q", "p"}))
BOUNDARY = "multipart/form-data; boundary=xyz"


def with_message(**changes: Any) -> str:
    """Return a body whose message has these fields."""
    return json.dumps(BODY | {"messages": [MESSAGE | changes]})


def with_content(**changes: Any) -> str:
    """Return a body whose message's content has these fields."""
    return with_message(content={**MESSAGE["content"], **changes})  # type: ignore[dict-item]


def form(*values: str) -> str:
    """Return the body of a form with these values."""
    fields = (
        f'--xyz\r\nContent-Disposition: form-data; name="f{n}"\r\n\r\n{value}\r\n'
        for n, value in enumerate(values)
    )
    return "".join([*fields, "--xyz--\r\n"])


def check(body: bytes | str | None, content_type: str = "application/json") -> bool:
    """Check a body against the message that was to be sent. Return False if the body cannot be read."""
    return check_captured_request(parse_captured_request(body, content_type), PROMPT, TURN)


def test_parse_captured_request_message_gives_all_fields() -> None:
    assert parse_captured_request(json.dumps(BODY)) == CapturedRequest("b", TEXT, "c", "p", is_known=True)
    named = parse_captured_request(json.dumps(BODY | {"model": "gpt-5"}))
    assert named == CapturedRequest("b", TEXT, "c", "p", "gpt-5", is_known=True)
    new = parse_captured_request(json.dumps({"messages": [MESSAGE]}))
    assert new == CapturedRequest("b", TEXT, is_known=True)


@pytest.mark.parametrize("body", [None, "", b"\x00\xff\xfe", gzip.compress(b"\xff\xfe", mtime=0)[:-3]])
def test_parse_captured_request_unreadable_body_gives_no_fields(body: bytes | str | None) -> None:
    assert parse_captured_request(body) == CapturedRequest()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (json.dumps(BODY), "application/json"),
        (json.dumps(BODY).encode(), ""),
        (with_content(parts=["Hello,\n  you "]), ""),
        (with_content(content_type="multimodal_text"), ""),
        (gzip.compress(json.dumps(BODY).encode()), "application/json"),
        (zlib.compress(json.dumps(BODY).encode()), "application/json"),
        (form(json.dumps(BODY)), BOUNDARY),
    ],
)
def test_check_captured_request_same_message_passes(
    body: bytes | str, content_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert check(body, content_type)
    assert caplog.records == []


ALTERED: dict[str, tuple[bytes | str, str]] = {
    "another text": (with_content(parts=["Hello, me"]), ""),
    "an extra part": (with_content(parts=[TEXT, "And my password"]), ""),
    "an empty extra part": (with_content(parts=[TEXT, ""]), ""),
    "no part": (with_content(parts=[]), ""),
    "an object as part": (with_content(parts=[{"text": TEXT}]), ""),
    "an image besides the text": (with_content(parts=[{"asset_pointer": "x"}, TEXT]), ""),
    "a message before ours": (json.dumps(BODY | {"messages": [MESSAGE, MESSAGE]}), ""),
    "a second key of messages": (json.dumps(BODY)[:-1] + f', "messages": [{json.dumps(MESSAGE)}]}}', ""),
    "a second key of parts": (json.dumps(BODY).replace('"parts"', '"parts": ["x"], "parts"'), ""),
    "an attachment": (with_message(metadata={"attachments": [{"id": "file"}]}), ""),
    "a pasted attachment": (with_message(metadata={"attachments": [{"is_big_paste": True}]}), ""),
    "another type of content": (with_content(content_type="code"), ""),
    "text besides the parts": (with_content(text="More"), ""),
    "another author": (with_message(author={"role": "system"}), ""),
    "another action": (json.dumps(BODY | {"action": "variant"}), ""),
    "another conversation": (json.dumps(BODY | {"conversation_id": "d"}), ""),
    "a number as conversation": (json.dumps(BODY | {"conversation_id": 5}), ""),
    "another parent": (json.dumps(BODY | {"parent_message_id": "x"}), ""),
    "an empty list": (json.dumps(BODY | {"messages": []}), ""),
    "another format with another text": (json.dumps({"prompt": "Hello, me"}), ""),
    "plain text": ("Hello, me", ""),
    "a form with another text": (form("Hello, me"), BOUNDARY),
    "a form with another message": (form(with_content(parts=["Hello, me"])), BOUNDARY),
    "a form with another field": (form(json.dumps(BODY), "my password"), BOUNDARY),
    "an encoded form": ("prompt=Hello%2C+me", "application/x-www-form-urlencoded"),
    "gzip": (gzip.compress(with_content(parts=["Hello, me"]).encode()), ""),
    "deflate": (zlib.compress(with_content(parts=["Hello, me"]).encode()), ""),
}


@pytest.mark.parametrize("how", ALTERED)
def test_check_captured_request_altered_message_raises_page_error(how: str) -> None:
    with pytest.raises(PageError, match="check the conversation"):
        check(*ALTERED[how])


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (None, ""),
        (b"\x0b\x02\x80\xffbrotli", "application/json"),
        (json.dumps({"prompt": TEXT}), ""),
        ("prompt=Hello%2C+you", "application/x-www-form-urlencoded"),
        (form(TEXT), BOUNDARY),
    ],
)
def test_check_captured_request_unreadable_message_is_logged(
    body: bytes | str | None, content_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert not check(body, content_type)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_parse_captured_request_extreme_json_gives_no_message() -> None:
    for body in (
        "[" * 100_000,
        '{"a":' * 100_000,
        "[" * 900 + '"x"' + "]" * 900,
        '{"messages": [{"id": "x"}]}',
    ):
        assert not parse_captured_request(body).is_known


def test_body_of_entries_are_joined_as_bytes() -> None:
    assert body_of({"postData": "x", "postDataEntries": [{"bytes": "YQ=="}, {"bytes": "Yg=="}]}) == b"ab"
    assert body_of({"postData": "x"}) == "x"
    assert body_of({"hasPostData": True}) is None
    assert body_of({"postData": "x", "postDataEntries": [{"bytes": "YQ=="}, {}]}) is None


@pytest.mark.parametrize("sent", [None, "gpt-5"])
def test_check_captured_request_same_or_unknown_model_passes(sent: str | None) -> None:
    captured = CapturedRequest("m", TEXT, "c", model=sent, is_known=True)
    check_captured_request(captured, PROMPT, TURN, model="gpt-5")


def test_check_captured_request_site_choice_passes() -> None:
    captured = CapturedRequest("m", TEXT, "c", model="other", is_known=True)
    check_captured_request(captured, PROMPT, TURN, model=None)


@pytest.mark.parametrize(
    ("conversation_id", "advice"),
    [(None, r"list_models\(\)"), ("c", "start a new conversation for another model")],
)
def test_check_captured_request_other_model_raises_with_both_models(
    conversation_id: str | None, advice: str
) -> None:
    captured = CapturedRequest("m", TEXT, conversation_id, model="auto", is_known=True)
    prompt = PROMPT if conversation_id else Prompt(TEXT)
    with pytest.raises(OptionNotAppliedError, match=f"'auto' instead of 'gpt-5'.*{advice}") as caught:
        check_captured_request(captured, prompt, TURN, model="gpt-5")
    error = caught.value
    assert (error.option, error.requested, error.sent) == ("model", "gpt-5", "auto")
