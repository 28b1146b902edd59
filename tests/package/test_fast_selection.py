"""Tests of the markers ``browser`` and ``sample``, which keep slow tests out of the usual runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chatgpt_browser.testing import FakeChatGPT
from tests.support.selection import mark_unsampled_variants, uses_slow_resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def direct() -> None:
    FakeChatGPT()


def local_import() -> None:
    from chatgpt_browser import ChatGPTAPI

    ChatGPTAPI("token")


def nested() -> None:
    def inner() -> None:
        direct()

    inner()


class Helper:
    @property
    def server(self) -> FakeChatGPT:
        return FakeChatGPT()


def through_a_class() -> object:
    return Helper().server


def pure() -> int:
    return len("no server")


def recursive() -> None:
    recursive()


@pytest.mark.parametrize("function", [direct, local_import, nested, through_a_class])
def test_selection_of_a_function_that_starts_something_is_slow(function: Callable[[], object]) -> None:
    assert uses_slow_resource(function)


@pytest.mark.parametrize("function", [pure, recursive])
def test_selection_of_a_pure_function_is_fast(function: Callable[[], object]) -> None:
    assert not uses_slow_resource(function)


@pytest.fixture
def helper() -> Iterator[FakeChatGPT]:
    yield Helper().server


def test_marker_of_a_test_with_a_slow_fixture_is_browser(
    request: pytest.FixtureRequest, helper: FakeChatGPT
) -> None:
    assert request.node.get_closest_marker("browser") is not None


def test_marker_of_a_pure_test_is_absent(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("browser") is None


def test_sample_leaves_out_the_same_variants_in_each_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.sample(3)
        @pytest.mark.parametrize("inner", range(4))
        @pytest.mark.parametrize("outer", range(4))
        def test_it(outer, inner):
            pass

        def test_other():
            pass
        """
    )

    def long_tests() -> set[str]:
        items = pytester.inline_genitems("-p", "no:xdist")[0]
        mark_unsampled_variants(items)
        return {item.name for item in items if item.get_closest_marker("long")}

    first = long_tests()
    assert len(first) == 13
    assert "test_other" not in first
    assert long_tests() == first
