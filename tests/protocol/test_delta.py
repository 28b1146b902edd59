"""Tests of the decoder for `delta_encoding` v1: against jsonpatch, and by examples for the site's own operations."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatgpt_browser._protocol.delta import DeltaDecoder, DeltaError, copied, is_delta

TEXT = "/message/content/parts/0"


def message(text: str = "", **fields: Any) -> dict[str, Any]:
    content = {"content_type": "text", "parts": [text]}
    return {"message": {"id": "m1", "content": content, "metadata": {}} | fields, "conversation_id": "c1"}


def applied(*deltas: Any) -> Any:
    decoder = DeltaDecoder()
    for delta in deltas:
        decoder.apply(delta)
    return decoder.value


# ---- operations of JSON Patch: compared with jsonpatch ---------------------------------------------------------------

# Keys that need escaping, keys that look like indexes, and the empty key are generated often.
keys = st.text("ab/~01-", max_size=3)
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.text("xyé\U0001f600", max_size=3)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(keys, values, min_size=1, max_size=4)


def pointers(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return the path of every member of a value, with its container."""
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    found = []
    for key, member in members:
        place = f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
        found += [(place, value), *pointers(member, place)]
    return found


def operations(draw: st.DrawFn, document: Any) -> dict[str, Any]:
    """Draw an operation of JSON Patch that is valid for this document."""
    path, holder = draw(st.sampled_from(pointers(document)))
    kind = draw(st.sampled_from(["add", "replace", "remove", "add new", "add to the end"]))
    if kind == "remove":
        return {"op": "remove", "path": path}
    value = draw(values)
    if kind in ("add", "replace"):
        return {"op": kind, "path": path, "value": value}
    above = path.rpartition("/")[0]
    if kind == "add to the end" and isinstance(holder, list):
        return {
            "op": "add",
            "path": f"{above}/{draw(st.sampled_from(['-', str(len(holder))]))}",
            "value": value,
        }
    if isinstance(holder, dict):
        return {"op": "add", "path": f"{above}/new~0~1key", "value": value}
    return {"op": "add", "path": path, "value": value}


@st.composite
def histories(draw: st.DrawFn) -> tuple[Any, list[dict[str, Any]], list[Any]]:
    """Draw a document, operations on it, and jsonpatch's result after each operation."""
    document = draw(objects)
    states, steps = [copy.deepcopy(document)], []
    for _ in range(draw(st.integers(1, 6))):
        if not states[-1]:
            break
        step = operations(draw, states[-1])
        steps.append(step)
        states.append(jsonpatch.apply_patch(copy.deepcopy(states[-1]), [step]))
    return document, steps, states[1:]


def as_delta(step: dict[str, Any]) -> dict[str, Any]:
    return {"p": step["path"], "o": step["op"]} | ({"v": step["value"]} if "value" in step else {})


@given(histories())
def test_delta_json_patch_operations_match_jsonpatch(
    history: tuple[Any, list[dict[str, Any]], list[Any]],
) -> None:
    document, steps, states = history
    decoder = DeltaDecoder()
    decoder.apply({"p": "", "o": "add", "v": copy.deepcopy(document)})

    for step, state in zip(steps, states, strict=True):
        # Compared as JSON: to Python, True is 1.
        assert json.dumps(decoder.apply(as_delta(copy.deepcopy(step)))) == json.dumps(state)


@given(histories())
def test_delta_patch_applies_changes_in_order(
    history: tuple[Any, list[dict[str, Any]], list[Any]],
) -> None:
    document, steps, states = history
    patch = {"p": "", "o": "patch", "v": [as_delta(step) for step in copy.deepcopy(steps)]}

    assert applied({"v": copy.deepcopy(document)}, patch) == (states[-1] if states else document)


@given(histories(), st.integers(0, 2**12))
def test_delta_omitted_fields_are_carried_over(
    history: tuple[Any, list[dict[str, Any]], list[Any]], choice: int
) -> None:
    """A field that equals the previous delta's may be omitted. Two channels alternate."""
    document, steps, states = history
    decoder = DeltaDecoder()
    for channel in (1, 0):
        decoder.apply({"p": "", "o": "add", "v": copy.deepcopy(document), "c": channel})
    last: dict[str, Any] = {"p": "", "o": "add", "c": 0}

    for number, (step, state) in enumerate(zip(steps, states, strict=True)):
        for channel in (0, 1):
            delta = as_delta(copy.deepcopy(step)) | {"c": channel}
            sent = dict(delta)
            for bit, name in enumerate("poc"):
                if delta[name] == last[name] and choice >> (number + bit) & 1:
                    del sent[name]
            # No generated value looks like a whole message, which would start a new one.
            assert json.dumps(decoder.apply(sent)) == json.dumps(state)
            last = delta


# ---- the site's own operations ---------------------------------------------------------------------------------------

pieces = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=12)


@given(pieces)
def test_delta_growing_text_equals_appended_pieces(texts: list[str]) -> None:
    begin, append = {"v": message("")}, {"p": TEXT, "o": "append", "v": ""}
    deltas: list[dict[str, Any]] = [begin, append, *({"v": text} for text in texts)]
    decoder = DeltaDecoder()
    for delta in deltas:
        if decoder.grow(delta) is None:
            decoder.apply(delta)

    assert applied(*deltas) == decoder.value == message("".join(texts))


def test_delta_grow_only_directly_after_append() -> None:
    decoder = DeltaDecoder()
    begin, append, more = {"v": message("a")}, {"p": TEXT, "o": "append", "v": "b"}, {"v": "x"}
    deltas: list[dict[str, Any]] = [begin, append, more, {"v": [1]}, more, {"c": 0, "v": "y"}]
    taken = []
    for delta in deltas:
        taken.append(decoder.grow(delta))
        if taken[-1] is None and delta["v"] != [1]:
            decoder.apply(delta)

    assert taken == [None, None, "x", None, "x", None]
    assert decoder.apply({"p": TEXT, "o": "truncate", "v": 9})["message"]["content"]["parts"] == ["abxxy"]


def test_delta_grow_joins_surrogate_halves() -> None:
    decoder = DeltaDecoder()
    decoder.apply({"v": message("a")})
    decoder.apply({"p": TEXT, "o": "append", "v": "\ud83d"})
    for half in ("\ude00", "\ud83d", "\ude01"):
        decoder.grow({"v": half})

    assert decoder.value == message("a\U0001f600\U0001f601")


@given(st.text(max_size=8), st.integers(0, 10))
def test_delta_truncate_counts_utf16_units(text: str, length: int) -> None:
    deltas = (
        {"v": {"a": text, "b": list(text)}},
        {"p": "/a", "o": "truncate", "v": length},
        {"p": "/b", "v": length},
    )

    # The site counts in UTF-16 code units, like JavaScript.
    halves = text.encode("utf-16-le")[: 2 * length]
    assert applied(*deltas) == {
        "a": halves.decode("utf-16-le", "surrogatepass"),
        "b": list(text)[:length],
    }


@pytest.mark.parametrize("begun", [{"v": message("a")}, {"p": "", "o": "add", "v": message("a"), "c": 0}])
def test_delta_text_after_whole_message_appends_to_it(begun: Any) -> None:
    assert applied(begun, {"v": "b"}, {"v": "c"}) == message("abc")
    assert applied(begun, {"p": "/message/status", "o": "replace", "v": "x"}, begun, {"v": "b"}) == message(
        "ab"
    )
    code = {"message": {"content": {"content_type": "code", "text": "1"}}}
    assert applied(begun, {"p": TEXT, "o": "append", "v": "b"}, {"v": code}, {"v": "+1"}) == {
        "message": {"content": {"content_type": "code", "text": "1+1"}}
    }


def test_delta_patch_of_one_append_starts_growth() -> None:
    decoder = DeltaDecoder()
    root = decoder.apply({"v": message()})
    parts = root["message"]["content"]["parts"]
    change = {"p": TEXT, "o": "append", "v": "a"}
    for grows, patch in (
        (True, {"p": "", "o": "patch", "v": [change]}),
        (True, {"p": "/message", "o": "patch", "v": [change | {"p": TEXT.removeprefix("/message")}]}),
        (False, {"p": "", "o": "patch", "v": [change, change]}),
        (False, {"p": "", "o": "patch", "v": [change | {"o": "replace"}]}),
        (False, {"p": "", "o": "patch", "v": []}),
    ):
        decoder.apply(patch)
        assert decoder.grows_in(parts) is grows
    decoder.apply({"p": "", "o": "patch", "v": [change]})
    decoder.grow_by("b")
    assert decoder.value == message("aab")


def test_delta_text_after_value_without_text_replaces_it() -> None:
    assert applied({"v": {"a": 1}}, {"v": "b"}) == "b"


def test_delta_path_after_patch_uses_operation_before_patch() -> None:
    append = {"p": TEXT, "o": "append", "v": "a"}
    patch = {"p": "", "o": "patch", "v": [{"p": "/message/id", "o": "replace", "v": "m2"}]}
    assert applied({"v": message()}, append, patch, {"p": TEXT, "v": "b"}) == message("ab", id="m2")
    # A list of changes is a patch again.
    assert applied(
        {"v": message()}, append, patch, {"p": "/message", "v": [{"p": "/id", "o": "remove"}]}
    ) == {
        "message": {"content": message("a")["message"]["content"], "metadata": {}},
        "conversation_id": "c1",
    }


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        ("ab", "c", "abc"),
        ("x\ud83d", "\ude00y", "x\U0001f600y"),
        ([1], 2, [1, 2]),
        ([1], [2, [3]], [1, 2, [3]]),
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        (None, "a", "a"),
    ],
)
def test_delta_append_by_type(old: Any, value: Any, new: Any) -> None:
    assert applied({"v": {"k": old}}, {"p": "/k", "o": "append", "v": value}) == {"k": new}


def test_delta_append_and_replace_create_missing_members() -> None:
    append, replace = {"p": "/a", "o": "append", "v": [1]}, {"p": "/b/0", "o": "replace", "v": True}

    assert applied({"v": {"b": []}}, append, replace) == {"a": [1], "b": [True]}


def test_delta_decodes_reply_of_several_channels() -> None:
    decoder = DeltaDecoder()
    decoder.apply({"p": "", "o": "add", "v": message("", id="system"), "c": 0})
    decoder.apply({"v": message("Hi?", id="user"), "c": 1})
    decoder.apply({"v": message("", id="answer"), "c": 2})
    decoder.apply({"p": TEXT, "o": "append", "v": "Hel"})
    decoder.apply({"v": "lo"})
    decoder.apply(
        {
            "p": "",
            "o": "patch",
            "v": [
                {"p": TEXT, "o": "append", "v": "!"},
                {"p": "/message/status", "o": "replace", "v": "finished_successfully"},
                {"p": "/message/metadata", "o": "append", "v": {"is_complete": True}},
            ],
        }
    )

    assert decoder.value["message"]["id"] == "answer"
    assert decoder.value["message"]["content"]["parts"] == ["Hello!"]
    assert decoder.value["message"]["status"] == "finished_successfully"
    assert decoder.value["message"]["metadata"] == {"is_complete": True}
    decoder.apply({"c": 1, "p": TEXT, "o": "append", "v": "?"})
    assert decoder.value["message"]["content"]["parts"] == ["Hi??"]


def test_delta_whole_message_starts_new_value() -> None:
    appended = [{"v": message()}, {"p": TEXT, "o": "append", "v": "a"}]
    patched = [*appended, {"p": "", "o": "patch", "v": []}]

    for before in (appended, patched):
        assert applied(*before, {"v": message("new"), "c": 3}) == message("new")


def test_delta_value_after_patch_is_patch_or_append() -> None:
    """A list is another patch, although the operation is omitted. A text is appended to the last text."""
    patch = {
        "p": "",
        "o": "patch",
        "v": [{"p": TEXT, "o": "append", "v": "b"}, {"p": "/x", "o": "add", "v": 1}],
    }
    after = applied({"v": message("a")}, patch, {"v": [{"p": TEXT, "o": "append", "v": "c"}]}, {"v": "d"})

    assert after["message"]["content"]["parts"] == ["abcd"]


def test_delta_patch_paths_are_relative_to_its_path() -> None:
    whole = applied(
        {"v": message()}, {"p": "/message", "o": "patch", "v": [{"p": "/id", "o": "replace", "v": "x"}]}
    )
    unsaid = applied(
        {"v": message()}, {"p": TEXT, "o": "append", "v": "a"}, {"o": "patch", "v": [{"p": "/k", "o": "add"}]}
    )

    assert whole["message"]["id"] == "x"
    assert unsaid["k"] is None


@pytest.mark.parametrize(
    "delta",
    [
        {"p": "/message/content/parts/1", "o": "truncate", "v": 1},
        {"p": "/message/content/parts/00", "o": "replace", "v": "x"},
        {"p": "/message/content/parts/2", "o": "add", "v": "x"},
        {"p": "/message/content/parts/-1", "o": "remove"},
        {"p": "/message/content/parts/-", "o": "remove"},
        {"p": "/message/nothing", "o": "remove"},
        {"p": "/message/nothing/deeper", "o": "add", "v": 1},
        {"p": "/message/id/deeper", "o": "add", "v": 1},
        {"p": "message", "o": "add", "v": 1},
        {"p": 3, "o": "add", "v": 1},
        {"p": TEXT, "o": "append", "v": 1},
        {"p": "", "o": "append", "v": "x"},
        {"p": TEXT, "o": "truncate", "v": -1},
        {"p": TEXT, "o": "truncate"},
        {"p": TEXT, "o": "move", "v": ""},
        {"p": "/message", "o": None},
        {"p": "", "o": "patch", "v": "x"},
        {"p": "", "o": "patch", "v": ["x"]},
        {"p": "", "o": "patch", "v": [{"p": TEXT, "v": "x"}]},
        {"p": "", "o": "patch", "v": [{"p": 3, "o": "add", "v": "x"}]},
        {"c": 7, "p": TEXT, "o": "append", "v": "x"},
    ],
)
def test_delta_invalid_raises_error_without_text(delta: dict[str, Any]) -> None:
    decoder = DeltaDecoder()
    decoder.apply({"v": message("a secret")})

    with pytest.raises(DeltaError) as caught:
        decoder.apply(delta)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("operation", ["add", "append", "replace", "remove", "truncate"])
def test_delta_metadata_that_does_not_fit_is_ignored(operation: str) -> None:
    odd = {"p": "/message/metadata/content_references/3/title", "o": operation, "v": "x"}
    text = {"p": "/message/content/parts/0", "o": "append", "v": "b"}

    assert applied({"v": message("a")}, odd, {"v": "y"}, text) == message("ab")
    assert applied({"v": message("a")}, {"p": "", "o": "patch", "v": [odd, text]}) == message("ab")


def test_copied_value_is_not_changed_by_later_deltas() -> None:
    decoder = DeltaDecoder()
    decoder.apply({"v": message("a")})
    kept = copied(decoder.value)
    decoder.apply({"p": TEXT, "o": "append", "v": "b"})

    assert kept == message("a")


def test_is_delta_by_fields() -> None:
    deltas: list[Any] = [{"v": "x"}, {"p": "/a", "o": "remove"}, {"c": 1, "v": {}}]
    others: list[Any] = [{}, {"type": "moderation"}, {"v": "x", "message": {}}]

    assert [is_delta(each) for each in [*deltas, *others]] == [True] * 3 + [False] * 3


def test_delta_with_too_many_changes_raises_delta_error() -> None:
    change = {"p": "/message/content/parts/0", "o": "truncate", "v": 1}
    for patch in ([change] * 1001, [{"p": "", "o": "patch", "v": [change] * 501}] * 2):
        decoder = DeltaDecoder()
        decoder.apply({"p": "", "o": "add", "v": message("abc")})
        with pytest.raises(DeltaError, match="more than 1000 changes"):
            decoder.apply({"p": "", "o": "patch", "v": patch})


def test_delta_append_does_not_change_the_event() -> None:
    event = {"p": "/a", "o": "add", "v": [1]}
    decoder = DeltaDecoder()
    decoder.apply({"p": "", "o": "add", "v": {}})
    decoder.apply(event)
    decoder.apply({"p": "/a", "o": "append", "v": [2]})

    assert event["v"] == [1]
    assert decoder.value == {"a": [1, 2]}
