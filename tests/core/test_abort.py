"""Tests of the abort controller and its signal."""

from __future__ import annotations

import threading

import pytest

from chatgpt_browser import AbortController, AbortError


def test_abort_signal_calls_each_listener_once() -> None:
    controller, called = AbortController(), list[str]()
    controller.signal.listen(lambda: called.append("a"))
    stop = controller.signal.listen(lambda: called.append("b"))
    stop()

    threading.Thread(target=controller.abort, args=("first",)).run()
    controller.abort("second")

    assert called == ["a"]
    assert (controller.signal.aborted, controller.signal.reason) == (True, "first")
    controller.signal.listen(lambda: called.append("late"))
    assert called == ["a", "late"]


@pytest.mark.parametrize("reason", [None, "enough", ValueError("mine")])
def test_throw_if_aborted_raises_reason_or_abort_error(reason: object) -> None:
    controller = AbortController()
    controller.signal.throw_if_aborted()
    controller.abort(reason)

    with pytest.raises(ValueError if isinstance(reason, ValueError) else AbortError) as caught:
        controller.signal.throw_if_aborted()
    assert caught.value is reason or getattr(caught.value, "reason", "") == reason
