"""The fields and the messages of requests as plain data: what is accepted, what is refused, and what is sent."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies

from chatgpt_browser.server.chat_completions import ChatCompletion
from chatgpt_browser.server.errors import APIError
from chatgpt_browser.server.messages import InputMessage
from chatgpt_browser.server.responses import ResponsesCall
from chatgpt_browser.server.transcript import attachments, compose, transcript_key

if TYPE_CHECKING:
    from collections.abc import Callable

HELLO = [{"role": "user", "content": "Hello"}]
PNG = b"\x89PNG"
IMAGE_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def chat(*, ignore_sampling: bool = False, **fields: Any) -> ChatCompletion:
    return ChatCompletion({"model": "auto", "messages": HELLO} | fields, ignore_sampling=ignore_sampling)


def respond(*, ignore_sampling: bool = False, **fields: Any) -> ResponsesCall:
    return ResponsesCall({"model": "auto", "input": "Hello"} | fields, ignore_sampling=ignore_sampling)


def chat_part(part: dict[str, Any]) -> ChatCompletion:
    return chat(messages=[{"role": "user", "content": [{"type": "text", "text": "Look."}, part]}])


def input_part(part: dict[str, Any]) -> ResponsesCall:
    return respond(input=[{"role": "user", "content": [{"type": "input_text", "text": "Look."}, part]}])


# ---- fields ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 1, "top_p": 1.0, "n": 1, "presence_penalty": 0, "frequency_penalty": 0.0},
        {"stop": None, "seed": None, "max_tokens": None, "logit_bias": {}, "logprobs": False},
        {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True, "store": False},
        {"response_format": {"type": "text"}, "modalities": ["text"], "reasoning_effort": "medium"},
        {"stream": False, "stream_options": {"include_usage": True}, "user": "me", "service_tier": "auto"},
    ],
)
def test_chat_fields_with_default_values_are_accepted(fields: dict[str, Any]) -> None:
    assert chat(**fields).call.options == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"text": {"verbosity": "medium"}},
        {"text": {"format": {"type": "text"}, "verbosity": None}},
        {"prompt_cache_options": {"mode": "implicit", "ttl": "30m"}, "prompt_cache_retention": "24h"},
        {"include": [], "truncation": "disabled", "top_logprobs": 0, "background": False},
    ],
)
def test_responses_fields_with_default_values_are_accepted(fields: dict[str, Any]) -> None:
    assert respond(**fields).call.options == {}


def test_responses_tools_with_default_settings_are_accepted() -> None:
    image = {"type": "image_generation", "quality": "auto", "size": "auto", "output_compression": 100}
    search = {"type": "web_search_preview_2025_03_11", "search_context_size": "medium", "user_location": None}

    assert respond(tools=[image, search]).call.options == {"tools": ["image", "search"]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 0.2),
        ("n", 2),
        ("n", True),
        ("stop", ["\n"]),
        ("seed", 7),
        ("max_tokens", 100),
        ("logprobs", True),
        ("tools", [{"type": "function", "function": {"name": "f"}}]),
        ("response_format", {"type": "json_object"}),
        ("modalities", ["text", "audio"]),
        ("reasoning_effort", "none"),
        ("store", True),
        ("unheard_of", 1),
    ],
)
def test_chat_field_that_site_cannot_apply_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(APIError) as refused:
        chat(**{field: value})

    assert (refused.value.status, refused.value.param) == (400, field)
    assert field in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 0}, "temperature"),
        ({"max_output_tokens": 9}, "max_output_tokens"),
        ({"text": {"format": {"type": "json_object"}}}, "text"),
        ({"text": {"format": {"type": "text"}, "verbosity": "low"}}, "text"),
        ({"stream_options": {"include_obfuscation": 1}}, "stream_options.include_obfuscation"),
        ({"tools": [{"type": "image_generation", "quality": "high"}]}, "tools[0].quality"),
        ({"truncation": "auto"}, "truncation"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"reasoning": {"summary": "auto"}}, "reasoning.summary"),
        ({"reasoning": {"effort": "most"}}, "reasoning.effort"),
        ({"tools": [{"type": "file_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "web_search", "search_context_size": "low"}]}, "tools[0].search_context_size"),
        ({"instructions": 5}, "instructions"),
        ({"stream": "yes"}, "stream"),
        ({"model": ""}, "model"),
    ],
)
def test_responses_field_that_site_cannot_apply_is_refused_by_name(
    fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(APIError) as refused:
        respond(**fields)

    assert (refused.value.status, refused.value.param) == (400, param)


def test_chat_field_in_an_object_is_named_with_the_object() -> None:
    with pytest.raises(APIError) as refused:
        chat(stream_options={"include_usage": "yes"})

    assert refused.value.param == "stream_options.include_usage"


def test_message_with_the_name_of_its_author_is_refused() -> None:
    with pytest.raises(APIError) as refused:
        chat(messages=[{"role": "user", "name": "Ada", "content": "Hello"}])

    assert (refused.value.status, refused.value.param) == (400, "messages[0].name")


def test_earlier_answer_in_audio_is_refused_by_name() -> None:
    answer = {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}
    with pytest.raises(APIError) as refused:
        chat(messages=[*HELLO, answer, *HELLO])

    assert (refused.value.status, refused.value.param) == (400, "messages[1].audio")


def test_refusal_of_an_earlier_answer_is_its_text() -> None:
    refusal = {"role": "assistant", "content": None, "refusal": "I cannot do that."}

    assert chat(messages=[*HELLO, refusal, *HELLO]).call.messages[1].text == "I cannot do that."


def test_sampling_fields_are_dropped_on_request() -> None:
    sampling = {"temperature": 0.2, "top_p": 0.5, "seed": 7, "presence_penalty": 1, "max_tokens": 5}

    assert chat(ignore_sampling=True, **sampling).call.options == {}
    assert respond(ignore_sampling=True, max_output_tokens=5).call.options == {}
    with pytest.raises(APIError):
        chat(ignore_sampling=True, stop=["\n"])


def test_model_effort_and_tools_are_options_of_the_message() -> None:
    assert chat(model="gpt-5", reasoning_effort="high").call.options == {
        "model": "gpt-5",
        "effort": "extended",
    }
    assert chat(web_search_options={}).call.options == {"tools": ["search"]}
    tools = [{"type": "web_search"}, {"type": "image_generation"}]
    options = respond(tools=tools, reasoning={"effort": "standard"}).call.options
    assert options == {"effort": "standard", "tools": ["search", "image"]}


# ---- messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "messages",
    [
        [],
        "Hello",
        [{"role": "user"}],
        [{"role": "user", "content": " "}],
        [{"role": "narrator", "content": "Hello"}],
        [*HELLO, {"role": "assistant", "content": "Hi"}],
        [*HELLO, {"role": "tool", "content": "{}", "tool_call_id": "1"}],
        [{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}, *HELLO],
        [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}],
        [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": IMAGE_URL}}]}, *HELLO],
        ["Hello"],
    ],
)
def test_chat_messages_that_cannot_be_sent_are_refused(messages: Any) -> None:
    with pytest.raises(APIError) as refused:
        chat(messages=messages)

    assert refused.value.status == 400
    assert str(refused.value.param).startswith("messages")


def test_image_and_file_parts_of_both_interfaces_are_attachments() -> None:
    text = base64.b64encode(b"a,b").decode()
    exchanges: list[ChatCompletion | ResponsesCall] = [
        chat_part({"type": "image_url", "image_url": {"url": IMAGE_URL, "detail": "auto"}}),
        input_part({"type": "input_image", "image_url": IMAGE_URL}),
        chat_part({"type": "file", "file": {"filename": "t.csv", "file_data": text}}),
        input_part({"type": "input_file", "filename": "t.csv", "file_data": f"data:text/csv;base64,{text}"}),
    ]
    found = [attachments(each.call.transcript) for each in exchanges]

    assert found[0] == found[1] == [("image-1.png", PNG, "image/png")]
    assert found[2] == found[3] == [("t.csv", b"a,b", "text/csv")]
    assert {compose(each.call.transcript) for each in exchanges} == {"Look."}


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://example.org/cat.png",
        "file:///etc/passwd",
        "data:image/png;base64,%%%",
        "data:image/png;base64,",
        "data:image/png,raw",
        "data:text/plain;base64,QQ==",
        "",
        None,
        7,
    ],
)
def test_image_url_that_is_no_image_in_base64_is_refused(url: Any) -> None:
    for part in ({"type": "image_url", "image_url": {"url": url}}, {"type": "image_url", "image_url": url}):
        with pytest.raises(APIError) as refused:
            chat_part(part)
        assert refused.value.param == "messages[0].content[1].image_url"


@pytest.mark.parametrize("field", ["file_id", "file_url"])
def test_file_that_is_elsewhere_is_refused(field: str) -> None:
    with pytest.raises(APIError) as refused:
        input_part({"type": "input_file", field: "https://example.org/a"})

    assert refused.value.param == f"input[0].content[1].{field}"


_JSON = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats()
    | strategies.text(),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(
            strategies.sampled_from(
                "type text role content image_url url file file_data filename detail input_text image message".split()
            ),
            inner | strategies.sampled_from(("text", "image_url", "file", "user", "message", "input_image")),
            max_size=4,
        )
    ),
    max_leaves=12,
)
_FIELDS = [
    *("messages", "input", "instructions", "metadata", "model", "reasoning", "stream", "stream_options"),
    *("temperature", "seed", "stop", "text", "tools", "include", "previous_response_id"),
]


@settings(max_examples=40)
@given(strategies.dictionaries(strategies.sampled_from(_FIELDS), _JSON, max_size=4))
def test_request_of_any_json_is_accepted_or_refused_with_400(fields: dict[str, Any]) -> None:
    for make in (chat, respond):
        assert status_of(make, fields) in (200, 400)


def status_of(make: Callable[..., object], fields: dict[str, Any]) -> int:
    try:
        make(**fields)
    except APIError as refused:
        return refused.status
    return 200


# ---- transcripts -----------------------------------------------------------------------------------------------------


def test_transcript_key_depends_on_each_role_text_and_site() -> None:
    hello, hi = InputMessage("user", "Hello"), InputMessage("assistant", "Hi")
    keys = {
        transcript_key("https://a", [hello, hi]),
        transcript_key("https://b", [hello, hi]),
        transcript_key("https://a", [hello]),
        transcript_key("https://a", [hi, hello]),
        transcript_key("https://a", [InputMessage("user", "HelloHi")]),
        transcript_key("https://a", [InputMessage("system", "Hello"), hi]),
    }
    assert len(keys) == 6
    changed = [InputMessage("user", " Hello\r\n"), InputMessage("assistant", "Hi\n")]
    assert transcript_key("https://a", changed) in keys


def test_attachments_with_same_name_get_a_number() -> None:
    parts = [
        {"type": "input_file", "filename": "a.txt", "file_data": base64.b64encode(data).decode()}
        for data in (b"1", b"2", b"1")
    ]
    messages = respond(input=[{"role": "user", "content": parts}]).call.transcript

    assert [(name, data) for name, data, _ in attachments(messages)] == [("a.txt", b"1"), ("2-a.txt", b"2")]
