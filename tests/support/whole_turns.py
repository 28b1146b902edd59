"""Random whole turns of a conversation, encoded in each way in which the site sends them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.support.reply_events import DONE, ENCODING, HANDOFF, TEXT, item, tree, user_message

if TYPE_CHECKING:
    from collections.abc import Iterator

CONVERSATION = "c9"
#: The path of the text that grows, by the type of the content.
_GROWING = {
    "text": TEXT,
    "code": "/message/content/text",
    "execution_output": "/message/content/text",
    "thoughts": "/message/content/thoughts/0/content",
}
_words = st.text("abc é\U0001f600.", min_size=1, max_size=12)
_FINISHED = "finished_successfully"


def mark(number: int) -> str:
    """Return the mark of a citation, as it is in the raw text."""
    return f"\ue200cite\ue202turn0search{number}\ue201"


def site_message(name: str, content: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a finished message of the assistant."""
    return {
        "id": name,
        "author": {"role": "assistant", "name": None},
        "create_time": 1_700_000_000.5,
        "content": content,
        "status": _FINISHED,
        "end_turn": False,
        "recipient": "all",
        "channel": "commentary",
        "metadata": {},
    } | fields


def text_content(*parts: str) -> dict[str, Any]:
    """Return the content of a text message."""
    return {"content_type": "text", "parts": [*parts]}


def tool_output(name: str, tool: str, content: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a message of a tool."""
    return site_message(name, content, author={"role": "tool", "name": tool}, **fields)


@st.composite
def _side_message(draw: st.DrawFn, number: int) -> list[dict[str, Any]]:
    """Return one or two messages that come before the answer."""
    kind = draw(st.sampled_from(["thoughts", "python", "search", "image", "canvas", "remark"]))
    text, name = draw(_words), f"m{number}"
    if kind == "thoughts":
        thought = {"summary": draw(_words), "content": text, "chunks": [], "finished": True}
        recap = {"content_type": "reasoning_recap", "content": "Thought for 7s"}
        return [
            site_message(name, {"content_type": "thoughts", "thoughts": [thought]}, channel="analysis"),
            site_message(f"{name}r", recap, channel="analysis", metadata={"finished_duration_sec": 7}),
        ]
    if kind == "python":
        return [
            site_message(
                name, {"content_type": "code", "language": "python", "text": text}, recipient="python"
            ),
            tool_output(f"{name}o", "python", {"content_type": "execution_output", "text": draw(_words)}),
        ]
    if kind == "search":
        entry = {"title": text, "url": f"https://site{number}.example/"}
        group = {"domain": f"site{number}.example", "entries": [entry]}
        call = json.dumps({"search_query": [{"q": text}]})
        return [
            site_message(name, {"content_type": "code", "text": call}, recipient="web.run"),
            tool_output(f"{name}o", "web.run", text_content(""), metadata={"search_result_groups": [group]}),
        ]
    if kind == "image":
        pointer = {"content_type": "image_asset_pointer", "asset_pointer": f"sediment://file_{number}"}
        content = {"content_type": "multimodal_text", "parts": [pointer | {"size_bytes": 9}]}
        return [tool_output(name, "t2uay3k.sj1i4kz", content, metadata={"image_gen_title": "A cat"})]
    if kind == "canvas":
        document = json.dumps({"name": "plan", "type": "document", "content": text})
        result = {"textdoc_id": f"doc{number}", "textdoc_type": "document", "title": "plan"}
        return [
            site_message(name, text_content(document), recipient="canmore.create_textdoc"),
            tool_output(
                f"{name}o", "canmore.create_textdoc", text_content("Done"), metadata={"canvas": result}
            ),
        ]
    return [site_message(name, text_content(text))]


@st.composite
def _answer(draw: st.DrawFn) -> dict[str, Any]:
    text, references, results = "", [], []
    for number in range(draw(st.integers(0, 3))):
        text += draw(_words) + mark(number)
        source = {"title": draw(_words), "url": f"https://{number}.example/", "attribution": "Example"}
        items = [source | {"supporting_websites": [{"title": "Other", "url": f"https://o{number}.example/"}]}]
        kind = draw(st.sampled_from(["grouped_webpages", "webpage", "news"]))
        offset = draw(st.sampled_from([0, 5, 999]))  # wrong, as those of the site
        if draw(st.booleans()):
            ref = {"turn_index": 0, "ref_type": "search", "ref_index": number}
            results.append({"domain": "x.example", "entries": [source | {"ref_id": ref}]})
            continue
        reference = {"type": kind, "matched_text": mark(number), "start_idx": offset, "end_idx": offset}
        references.append(reference | (source if kind == "webpage" else {"items": items}))
    if draw(st.booleans()):
        references.append(
            {"type": "sources_footnote", "matched_text": " ", "sources": [{"url": "https://0.example/"}]}
        )
    text += draw(_words) + draw(st.sampled_from(["", " [data](sandbox:/mnt/data/a%20b.csv)"]))
    metadata = {
        "model_slug": "gpt-5-6",
        "resolved_model_slug": "gpt-5-6-thinking",
        "thinking_effort": "extended",
        "content_references": references,
        "search_result_groups": results,
        "finish_details": {"type": draw(st.sampled_from(["stop", "max_tokens"]))},
    }
    return site_message("answer", text_content(text), end_turn=True, channel="final", metadata=metadata)


@st.composite
def turns(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return the finished messages of one turn: side messages and the answer."""
    side = [each for n in range(draw(st.integers(0, 4))) for each in draw(_side_message(n))]
    return [*side, draw(_answer())]


def stored(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the stored conversation."""
    return tree(user_message("q"), *messages) | {"conversation_id": CONVERSATION}


def whole_events(messages: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    """Yield the events of the form of 2022: each one contains a whole message."""
    for message in (user_message("q"), *messages):
        if (path := _growing_path(message)) is not None:
            text = _get(message, path)
            for end in sorted({0, len(text) // 2, len(text)}):
                yield item(_event(_unfinished(message, path, text[:end])))
        yield item(_event(message))


def delta_events(messages: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    """Yield the events of the newer form: deltas. The references arrive one by one, after the text."""
    yield ENCODING
    yield item({"p": "", "o": "add", "v": _event(user_message("q")), "c": 0})
    for channel, message in enumerate(messages, start=1):
        path = _growing_path(message)
        if path is None:
            yield item({"p": "", "o": "add", "v": _event(message), "c": channel}, "delta")
            continue
        text, start = _get(message, path), _unfinished(message, path, "")
        references = message["metadata"].get("content_references", [])
        if references:
            start["metadata"] = start["metadata"] | {"content_references": []}
        yield item({"p": "", "o": "add", "v": _event(start), "c": channel}, "delta")
        half = len(text) // 2
        yield item({"p": path, "o": "append", "v": text[:half]}, "delta")
        yield item({"v": text[half:]}, "delta")
        for number, reference in enumerate(references):
            where = f"/message/metadata/content_references/{number}"
            yield item({"p": where, "o": "add", "v": reference}, "delta")
        ends = [
            {"p": "/message/status", "o": "replace", "v": message["status"]},
            {"p": "/message/end_turn", "o": "replace", "v": message["end_turn"]},
        ]
        yield item({"p": "", "o": "patch", "v": ends}, "delta")


def ended(events: Iterator[dict[str, str]]) -> list[dict[str, str]]:
    """Return all events with the event that ends a stream."""
    return [*events, DONE]


def handed_off(events: list[dict[str, str]], count: int) -> list[dict[str, str]]:
    """Return the first events, a hand-off, and the event that ends a stream."""
    return [*events[:count], item(HANDOFF), DONE]


def _event(message: dict[str, Any]) -> dict[str, Any]:
    return {"message": message, "conversation_id": CONVERSATION, "error": None}


def _growing_path(message: dict[str, Any]) -> str | None:
    return _GROWING.get(message["content"]["content_type"])


def _get(message: dict[str, Any], path: str) -> str:
    value: Any = {"message": message}
    for step in path[1:].split("/"):
        value = value[int(step) if isinstance(value, list) else step]
    return str(value)


def _unfinished(message: dict[str, Any], path: str, text: str) -> dict[str, Any]:
    """Return the message while its text grows."""
    copy: dict[str, Any] = json.loads(json.dumps(message))
    *steps, last = path.removeprefix("/message/").split("/")
    holder: Any = copy
    for step in steps:
        holder = holder[int(step) if isinstance(holder, list) else step]
    holder[int(last) if isinstance(holder, list) else last] = text
    return copy | {"status": "in_progress", "end_turn": None}
