"""The duration of the machine's sleep, from a monotonic clock that stops meanwhile and a wall clock that does not."""

from __future__ import annotations

import pytest

from chatgpt_browser._core.suspend_clock import SuspendClock


@pytest.mark.parametrize(
    ("awake", "wall", "slept"),
    [
        (1.0, 1.0, 0.0),
        (1.0, 7201.0, 7200.0),  # the machine slept for two hours
        (60.0, 60.5, 0.5),  # the wall clock was adjusted
        (1.0, -3599.0, 0.0),  # the wall clock was set back
    ],
)
def test_slept_is_the_difference_of_both_clocks(awake: float, wall: float, slept: float) -> None:
    times = [100.0, 1_800_000_000.0]
    clock = SuspendClock(lambda: times[0], lambda: times[1])
    times[0] += awake
    times[1] += wall

    assert clock.slept() == pytest.approx(slept)
    assert clock.slept() == 0.0
