"""Selection of tests for ``scripts/test.sh`` and ``scripts/test.sh --fast``, and the order of modules in ``scripts/test.sh``.

A static search finds the tests that need a browser, a server or a process.
"""

from __future__ import annotations

import inspect
import zlib
from collections import defaultdict
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["mark_slow_resources", "mark_unsampled_variants", "put_slow_modules_first", "uses_slow_resource"]

#: Names whose use makes a test too slow for the everyday loop. The command runner is among them: most commands start a browser.
SLOW_RESOURCES = frozenset(
    {
        "AsyncChatGPTAPI",
        "ChatGPTAPI",
        "CliRunner",
        "FakeChatGPT",
        "Popen",
        "async_playwright",
        "pexpect",
        "pytester",
        "subprocess",
        "sync_playwright",
    }
)


def mark_slow_resources(items: list[pytest.Item]) -> None:
    """Add the marker ``browser`` to each test that uses a slow resource, directly or through a fixture."""
    seen: dict[object, bool] = {}
    for item in items:
        if isinstance(item, pytest.Function) and (
            SLOW_RESOURCES & {*item.fixturenames}
            or any(uses_slow_resource(function, seen) for function in _functions(item))
        ):
            item.add_marker("browser")


def mark_unsampled_variants(items: list[pytest.Item]) -> None:
    """Add the marker ``long`` to the variants of a test that its marker ``sample(n)`` leaves out of the usual run.

    A variant is a test with one set of parameters. A hash of its name decides which ``n`` variants are in the usual run. With a
    regular step instead, all of them could have the same value of one parameter. The long run has the other variants.
    """
    variants: defaultdict[object, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("sample"):
            variants[getattr(item, "function", item)].append(item)
    for tests in variants.values():
        marker = tests[0].get_closest_marker("sample")
        assert marker is not None
        by_hash = sorted(tests, key=lambda test: zlib.crc32(test.name.encode()))
        for test in by_hash[marker.args[0] :]:
            test.add_marker("long")


def put_slow_modules_first(items: list[pytest.Item]) -> None:
    """Sort modules by the estimated time of their tests, so that parallel workers end at about the same time."""
    seconds: defaultdict[object, float] = defaultdict(float)
    for item in items:
        seconds[item.path] += _estimated_seconds(item)
    items.sort(key=lambda item: -seconds[item.path])


def _estimated_seconds(item: pytest.Item) -> float:
    """Return about how many seconds a test takes."""
    if item.get_closest_marker("long"):
        return 0
    if "pytester" in getattr(item, "fixturenames", ()):
        return 5
    return 1 if item.get_closest_marker("browser") else 0.02


def uses_slow_resource(function: Any, seen: dict[object, bool] | None = None) -> bool:
    """Return whether a function, or test code that it refers to, mentions one of `SLOW_RESOURCES`.

    :param seen: results of earlier calls; a function that is still being examined counts as False.
    """
    seen = {} if seen is None else seen
    function = getattr(function, "__wrapped__", function)
    if function not in seen:
        seen[function] = False
        names = {name for code in _codes(function) for name in _names(code)}
        seen[function] = bool(SLOW_RESOURCES & names) or any(
            uses_slow_resource(value, seen) for value in _test_code(function, names)
        )
    return seen[function]


def _functions(item: pytest.Function) -> Iterator[Any]:
    """Yield the functions of all fixtures of a test, then its own function."""
    for definitions in item._fixtureinfo.name2fixturedefs.values():
        yield from (definition.func for definition in definitions)
    test = item.function
    # Hypothesis replaces the function by a generic one.
    yield test.hypothesis.inner_test if hasattr(test, "hypothesis") else test


def _codes(function: Any) -> Iterator[CodeType]:
    """Yield the code of a function, or of all methods of a class."""
    if inspect.isclass(function):
        for value in vars(function).values():
            for part in (value, getattr(value, "fget", None), getattr(value, "__func__", None)):
                if isinstance(part, FunctionType):
                    yield part.__code__
    elif isinstance(code := getattr(function, "__code__", None), CodeType):
        yield code


def _names(code: CodeType) -> Iterator[str]:
    """Yield every global and attribute name in a code object and in the functions nested in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _test_code(function: Any, names: set[str]) -> Iterator[Any]:
    """Yield the functions and classes of the test suite that these names refer to."""
    module = inspect.getmodule(function)
    for name in names:
        value = getattr(module, name, None)
        if (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__.startswith("tests."):
            yield value
