"""Tests of the marker ``browser``, which keeps slow tests out of `scripts/test.sh --fast`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chatgpt_browser.testing import FakeChatGPT
from tests.support.selection import uses_slow_resource

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
