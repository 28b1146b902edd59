"""Parsing of the message in a request of the site's page, and its comparison with the message to send."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from typing import Any

import pytest

from chatgpt_browser import OptionNotAppliedError, PageError
from chatgpt_browser._core.message_options import Attachment, MessageOptions
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


def test_check_captured_request_same_model_passes() -> None:
    captured = CapturedRequest("m", TEXT, "c", model="gpt-5", is_known=True)
    check_captured_request(captured, PROMPT, TURN, model="gpt-5")


@pytest.mark.parametrize("sent", [None, "other"])
def test_check_captured_request_site_choice_passes(sent: str | None) -> None:
    captured = CapturedRequest("m", TEXT, "c", model=sent, is_known=True)
    check_captured_request(captured, PROMPT, TURN, model=None)


@pytest.mark.parametrize("fields", [{}, {"model": None}, {"model": 7}, {"model": ["gpt-5"]}])
@pytest.mark.parametrize("is_new", [True, False])
def test_check_captured_request_missing_model_raises(fields: dict[str, Any], is_new: bool) -> None:
    body = BODY | {"conversation_id": None if is_new else "c"} | fields
    prompt = Prompt(TEXT) if is_new else PROMPT
    with pytest.raises(
        OptionNotAppliedError, match="without a model instead of to the model 'gpt-5'"
    ) as caught:
        check_captured_request(parse_captured_request(json.dumps(body)), prompt, TURN, model="gpt-5")
    assert (caught.value.option, caught.value.requested, caught.value.sent) == ("model", "gpt-5", None)


def test_check_captured_request_unreadable_request_with_named_model_raises() -> None:
    captured = parse_captured_request(json.dumps({"prompt": TEXT}))
    with pytest.raises(OptionNotAppliedError, match="cannot be checked") as caught:
        check_captured_request(captured, PROMPT, TURN, model="gpt-5")
    assert (caught.value.option, caught.value.requested) == ("model", "gpt-5")


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


# ---- Files and options -----------------------------------------------------------------------------------------------


def sent_with(**fields: Any) -> str:
    """Return a body with these fields, and with ``metadata`` and ``parts`` in its message."""
    metadata, parts = fields.pop("metadata", {}), fields.pop("parts", [TEXT])
    content = {"content_type": "multimodal_text" if len(parts) > 1 else "text", "parts": parts}
    return json.dumps(BODY | {"messages": [MESSAGE | {"metadata": metadata, "content": content}]} | fields)


def check_with(options: MessageOptions, body: str) -> bool:
    """Check a body against the message with these options."""
    return check_captured_request(parse_captured_request(body), Prompt(TEXT, "c", options=options), TURN)


POINTER = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_1", "size_bytes": 3}
NOTES = Attachment("n\u00f6tes.txt", data=b"123")
ENTRY = {"id": "file_1", "name": "no\u0308tes.txt", "size": 3, "mime_type": "text/plain"}


@pytest.mark.parametrize("form", ["metadata", "older", "image", "without size"])
def test_check_captured_request_requested_file_passes(form: str) -> None:
    bodies = {
        "metadata": sent_with(metadata={"attachments": [ENTRY]}),
        "older": sent_with(metadata={"attachments": [ENTRY | {"mimeType": "text/plain"}]}),
        "image": sent_with(metadata={"attachments": [ENTRY]}, parts=[POINTER, TEXT]),
        "without size": sent_with(metadata={"attachments": [{"name": NOTES.name}]}),
    }
    assert check_with(MessageOptions(files=(NOTES,)), bodies[form])


@pytest.mark.parametrize(
    "attachments",
    [[], [ENTRY | {"size": 4}], [ENTRY | {"name": "other.txt"}], [{"id": "file_1"}]],
)
def test_check_captured_request_missing_file_raises_option_not_applied_error(attachments: list[Any]) -> None:
    with pytest.raises(OptionNotAppliedError, match="without the file") as caught:
        check_with(MessageOptions(files=(NOTES,)), sent_with(metadata={"attachments": attachments}))
    assert (caught.value.option, caught.value.requested) == ("files", NOTES.name)


@pytest.mark.parametrize(
    "body",
    [
        sent_with(metadata={"attachments": [ENTRY, {"name": "Pasted text.txt", "is_big_paste": True}]}),
        sent_with(metadata={"attachments": [ENTRY]}, parts=[POINTER, POINTER, TEXT]),
        sent_with(metadata={"attachments": [ENTRY]}, parts=[{"content_type": "audio"}, TEXT]),
    ],
)
def test_check_captured_request_additional_attachment_raises_page_error(body: str) -> None:
    with pytest.raises(PageError, match="check the conversation") as caught:
        check_with(MessageOptions(files=(NOTES,)), body)
    assert not isinstance(caught.value, OptionNotAppliedError)


APPLIED: dict[str, tuple[MessageOptions, dict[str, Any]]] = {
    "effort": (MessageOptions(effort="max"), {"thinking_effort": "max"}),
    "tools": (MessageOptions(tools=("search",)), {"system_hints": ["search"]}),
    "tools in the message": (
        MessageOptions(tools=("image", "search")),
        {"metadata": {"system_hints": ["search", "picture_v2"]}},
    ),
    "temporary": (MessageOptions(temporary=True), {"history_and_training_disabled": True}),
    "project": (
        MessageOptions(project="g-p-1-taxes"),
        {"conversation_mode": {"kind": "gizmo_interaction", "gizmo_id": "g-p-1"}},
    ),
}


@pytest.mark.parametrize("name", APPLIED)
def test_check_captured_request_option_must_be_in_request(name: str) -> None:
    options, fields = APPLIED[name]
    assert check_with(options, sent_with(**fields))
    assert check_with(MessageOptions(), sent_with(**fields))  # what was not requested is not compared

    for body in (sent_with(), json.dumps({"prompt": TEXT})):  # without the option, and in an unknown format
        with pytest.raises(OptionNotAppliedError, match="answer was stopped") as caught:
            check_with(options, body)
        assert caught.value.option == name.partition(" ")[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"thinking_effort": "standard"},
        {"system_hints": ["canvas"]},
        {"history_and_training_disabled": False},
        {"conversation_mode": {"gizmo_id": "g-p-12"}},
    ],
)
def test_check_captured_request_other_value_of_option_raises(fields: dict[str, Any]) -> None:
    options = MessageOptions(effort="max", tools=("search",), temporary=True, project="g-p-1")
    others = {name: value for _, sent in APPLIED.values() for name, value in sent.items()} | fields
    del others["metadata"]
    with pytest.raises(OptionNotAppliedError):
        check_with(options, sent_with(**others))


def test_check_captured_request_work_mode_raises_page_error() -> None:
    with pytest.raises(PageError, match='mode "Work"'):
        check(json.dumps(BODY | {"conversation_origin": "tpp"}))


@pytest.mark.parametrize(
    ("text", "is_sent"),
    [(f"@Deep research {TEXT}", True), (f"{TEXT} @Deep research", True), (f"Deep research {TEXT}", False)],
)
def test_check_captured_request_mention_of_tool_is_part_of_text(text: str, is_sent: bool) -> None:
    options = MessageOptions(tools=("deep_research",))
    body = sent_with(parts=[text], system_hints=["plugin:connector_openai_deep_research"])
    if is_sent:
        assert check_with(options, body)
    else:
        with pytest.raises(PageError, match="another text"):
            check_with(options, body)
