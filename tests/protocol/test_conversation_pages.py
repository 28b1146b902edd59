"""The list of conversations, page by page: each conversation once, none lost, and an end in every case."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatgpt_browser._protocol.conversation_pages import MAX_PAGES, ConversationPages

if TYPE_CHECKING:
    from collections.abc import Callable

    #: Answers a request: the query's parameters, as a dict.
    Site = Callable[[dict[str, str]], Any]


def entry(name: object) -> dict[str, Any]:
    return {"id": str(name), "title": f"title {name}"}


def query_of(path: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}


def listed(site: Site, page_size: int, seen: Callable[[str], None] = lambda _: None) -> list[str]:
    """Return the ids that a reader of all pages gets, in order. ``seen`` is called with each."""
    pages, found = ConversationPages(page_size), list[str]()
    while pages.path is not None:
        for summary in pages.read(site(query_of(pages.path))):
            found.append(summary.id)
            seen(summary.id)
    return found


def sliced(entries: list[Any], query: dict[str, str]) -> list[Any]:
    offset, limit = int(query["offset"]), int(query["limit"])
    return entries[offset : offset + limit]


def by_offset(entries: list[Any]) -> Site:
    return lambda query: {"items": sliced(entries, query)}


#: Entries that cannot be read.
UNREADABLE: list[Any] = [{}, None, 7, "text", {"id": None}, {"id": 3, "title": "x"}]


@pytest.mark.parametrize("page_size", [1, 2, 3, 20])
def test_conversation_pages_with_unreadable_entries_lose_and_repeat_none(page_size: int) -> None:
    entries = [
        entry(0),
        {},
        entry(1),
        None,
        entry(2),
        *UNREADABLE,
        *UNREADABLE,
        entry(3),
        entry(4),
        {"id": 3},
        entry(5),
    ]
    assert listed(by_offset(entries), page_size) == ["0", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize("page_size", [2, 3, 20])
@pytest.mark.parametrize("pins", [1, 2, 3])
@pytest.mark.parametrize("displaces", [False, True])
@pytest.mark.parametrize("is_listed_twice", [False, True])
def test_conversation_pages_with_repeated_pinned_entries_lose_none(
    page_size: int, pins: int, displaces: bool, is_listed_twice: bool
) -> None:
    """The pinned entries head every page: in addition to its entries, or in place of some of them."""
    if displaces and pins >= page_size:
        pytest.skip("such a page has no room for another entry")
    pinned, others = [entry(f"p{n}") for n in range(pins)], [entry(n) for n in range(47)]
    if is_listed_twice:
        others[5:5] = pinned

    def site(query: dict[str, str]) -> dict[str, Any]:
        items = [*pinned, *sliced(others, query)]
        return {"items": items[: page_size if displaces else None]}

    found = listed(site, page_size)
    assert sorted(found) == sorted({each["id"] for each in pinned + others})
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "site",
    [
        lambda _: {"items": [entry(0), entry(1)], "total": 2},
        lambda _: {"items": [entry(0), {}, entry(1)]},
        lambda query: {"items": [entry(0), entry(1)], "cursor": query.get("cursor", "same")},
        lambda query: {"items": [entry(0), entry(1)], "cursor": f"{query.get('cursor', '')}x"},
        lambda query: {"items": [entry(0), entry(1)], "total": -int(query["offset"])},
    ],
)
def test_conversation_pages_of_site_that_repeats_one_page_end_soon(site: Site) -> None:
    requests: list[dict[str, str]] = []

    def counted(query: dict[str, str]) -> Any:
        requests.append(query)
        return site(query)

    assert listed(counted, 2) == ["0", "1"]
    assert len(requests) <= 25


@pytest.mark.parametrize("with_cursor", [False, True])
def test_conversation_pages_that_are_full_for_ever_end(with_cursor: bool) -> None:
    number = itertools.count()
    pages, requests = ConversationPages(20), 0
    while pages.path is not None:
        requests += 1
        cursor = {"cursor": str(requests)} if with_cursor else {}
        pages.read({"items": [entry(next(number)) for _ in range(20)], "total": 10**9, **cursor})
    assert requests == MAX_PAGES
    assert pages.is_cut


def test_conversation_pages_that_are_unreadable_for_ever_end() -> None:
    pages = ConversationPages(20)
    for _ in range(MAX_PAGES):
        if pages.path is None:
            break
        pages.read({"items": [{}] * 20})
    assert pages.path is None and not pages.is_cut


@pytest.mark.parametrize("name", ["cursor", "next_cursor"])
@pytest.mark.parametrize("last", [{}, {"cursor": None}, {"cursor": ""}])
def test_conversation_pages_with_cursor_follow_it(name: str, last: dict[str, Any]) -> None:
    entries = [entry(n) for n in range(7)]
    answers = {None: 0, "a": 3, "b": 6}

    def site(query: dict[str, str]) -> dict[str, Any]:
        start = answers[query.get("cursor")]
        following = {0: {name: "a"}, 3: {name: "b"}, 6: last}[start]
        return {"items": entries[start : start + 3], **following}

    assert listed(site, 3) == [each["id"] for each in entries]


def test_conversation_pages_of_site_that_ignores_its_cursor_continue_by_offset() -> None:
    entries = [entry(n) for n in range(9)]

    def site(query: dict[str, str]) -> dict[str, Any]:
        return {"items": sliced(entries, {"offset": "0", **query}), "cursor": "more"}

    assert listed(site, 2) == [each["id"] for each in entries]


@given(st.integers(0, 60), st.integers(1, 25), st.sets(st.integers(0, 59)))
def test_conversation_pages_while_conversations_are_deleted_lose_none(
    count: int, page_size: int, deleted: set[int]
) -> None:
    entries = [entry(n) for n in range(count)]

    def site(query: dict[str, str]) -> dict[str, Any]:
        return {"items": sliced(entries, query), "total": len(entries)}

    def delete(name: str) -> None:
        if int(name) in deleted:
            entries.remove(entry(name))

    found = listed(site, page_size, delete)
    assert found == [str(n) for n in range(count)]


@pytest.mark.parametrize("malformed", [None, [], "text", {}, {"items": None}, {"items": {}}, {"items": []}])
def test_conversation_pages_of_malformed_response_end(malformed: Any) -> None:
    assert listed(lambda _: malformed, 20) == []


def test_conversation_pages_cursor_with_lone_surrogate_is_requested() -> None:
    pages = ConversationPages(28)
    pages.read({"items": [{"id": "a"}], "cursor": "next\ud800"})

    assert pages.path is not None
    assert "cursor=next" in pages.path


@pytest.mark.parametrize("page_size", [1, 2, 5])
def test_conversation_pages_by_cursor_with_pinned_and_unreadable_entries_lose_none(page_size: int) -> None:
    """A page that contains only pinned and unreadable entries does not mean that the site ignores the cursor."""
    others = [entry(0), *UNREADABLE[:5], entry(1), entry(2), *UNREADABLE[:5], entry(3)]

    def site(query: dict[str, str]) -> dict[str, Any]:
        start = int(query.get("cursor", "0"))
        end = start + page_size
        return {"items": [entry("p"), *others[start:end]], "cursor": str(end) if end < len(others) else None}

    assert sorted(listed(site, page_size)) == ["0", "1", "2", "3", "p"]


@pytest.mark.parametrize("page_size", [1, 5, 20])
@pytest.mark.parametrize("pins", [1, 3])
def test_conversation_pages_with_pins_before_the_first_page_only_lose_none(page_size: int, pins: int) -> None:
    pinned, others = [entry(f"p{n}") for n in range(pins)], [entry(n) for n in range(47)]

    def site(query: dict[str, str]) -> dict[str, Any]:
        return {"items": [*(pinned if query["offset"] == "0" else ()), *sliced(others, query)]}

    assert sorted(listed(site, page_size)) == sorted({each["id"] for each in pinned + others})


def test_conversation_pages_whose_second_page_has_only_pinned_entries_lose_none() -> None:
    pinned, others = [entry(f"p{n}") for n in range(3)], [entry(n) for n in range(49)]

    found = listed(lambda query: {"items": [*pinned, *sliced(others, query)][:50]}, 50)

    assert sorted(found) == sorted({each["id"] for each in pinned + others})
