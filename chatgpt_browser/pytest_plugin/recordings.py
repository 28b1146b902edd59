"""The fixture `chatgpt_recording`: replays the cassette of a test, or records it on the real site."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import live

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser.testing import Cassette
    from chatgpt_browser.testing.recording.cassette import CassetteRecorder
    from chatgpt_browser.testing.recording.drift import Difference

#: If this name is defined in a module, pytest does not show the module's frames in tracebacks.
__tracebackhide__ = True

OPTION = "--chatgpt-record"
SPEED = "chatgpt_replay_speed"
_MODES = {
    "none": "replay the cassettes; a missing cassette is an error",
    "once": "record the missing cassettes on the real site, and replay the others",
    "all": "record all cassettes again on the real site",
}
RECORDER = pytest.StashKey["CassetteRecorder"]()
PROPERTIES = pytest.StashKey[list[tuple[str, object]]]()


def add_options(parser: pytest.Parser) -> None:
    """Add the option that selects the mode, and the setting for the speed of a replay."""
    modes = "; ".join(f"{name}: {purpose}" for name, purpose in _MODES.items())
    parser.getgroup("chatgpt", "ChatGPT").addoption(
        OPTION, choices=[*_MODES], default="none", help=f"how the fixture chatgpt_recording works ({modes})"
    )
    parser.addini(
        SPEED,
        "speed of replayed cassettes: 1 is the recorded pace, none replays without waiting",
        default="none",
    )


def is_recording(item: pytest.Item) -> bool:
    """Return whether the test records its messages on the real site."""
    return RECORDER in item.stash


def run(
    request: pytest.FixtureRequest, settings: dict[str, Any], *, passed: pytest.StashKey[bool]
) -> Iterator[Cassette]:
    """Yield the cassette of the test.

    After a test on the real site, compare its replies with the existing cassette. If the mode requires a new cassette and the
    test has passed, write it.

    :param settings: the arguments of the marker `chatgpt`.
    :param passed: the key of a value in the test's stash. The value is True if the test has passed.
    """
    from chatgpt_browser.testing import Cassette
    from chatgpt_browser.testing.recording.cassette import CassetteRecorder, cassette_path

    item, mode = request.node, request.config.getoption(OPTION)
    path = cassette_path(Path(item.path), item.nodeid.partition("::")[2])
    records = mode == "all" or (mode == "once" and not path.exists())
    cassette = Cassette(path, mode, is_live=records or live.is_marked(item))
    _check(cassette, item)
    if not cassette.is_live:
        _replay(request, cassette, settings)
        yield cassette
        return

    live.begin(item)
    item.stash[RECORDER] = recorder = CassetteRecorder()
    yield cassette
    item.stash[PROPERTIES] = [*_finish(item, cassette, recorder, records and item.stash.get(passed, False))]


def attach(item: pytest.Item) -> None:
    """If the test is being recorded, also record the messages of its newest client."""
    if is_recording(item):
        live.clients(item)[-1]._sender.observe_reply = item.stash[RECORDER].observe_reply


def complete_report(item: pytest.Item, report: pytest.TestReport) -> None:
    """Add the path of the recorded cassette, and the differences from the old one, to the report of the teardown."""
    properties = item.stash.get(PROPERTIES, None)
    if report.when == "teardown" and properties is not None:
        report.user_properties += properties


def _check(cassette: Cassette, item: pytest.Item) -> None:
    """Fail the test if it can neither replay nor record its cassette."""
    name = shown(cassette.path)
    if cassette.path.exists() and not cassette.path.is_file():
        pytest.fail(f"the cassette {name} is not a regular file", pytrace=False)
    if cassette.is_live and not live.has_token():
        pytest.fail(f"recording {name} needs a session token in {live.TOKEN}", pytrace=False)
    if not cassette.is_live and not cassette.path.exists():
        command = f"pytest {OPTION}=once '{item.nodeid}'"
        pytest.fail(
            f"there is no cassette {name}: to record it on the real site, run {command}", pytrace=False
        )


def _replay(request: pytest.FixtureRequest, cassette: Cassette, settings: dict[str, Any]) -> None:
    server = request.getfixturevalue("chatgpt_server")
    match = settings.get("match_messages", True)
    try:
        speed = replay_speed(settings.get("replay_speed", request.config.getini(SPEED)))
        server._replay_cassette(cassette.path, shown(cassette.path), speed, match=match)
    except pytest.UsageError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    except ValueError as error:
        advice = f"To record the cassette again, use {OPTION}=all"
        raise pytest.fail.Exception(f"{error}. {advice}", pytrace=False) from None


def replay_speed(value: object) -> float | None:
    """Return the speed of a replay, or None if the replay never waits.

    :raises pytest.UsageError: if the value is neither a number above zero nor `none`.
    """
    if value in (None, "", "none"):
        return None

    try:
        speed = float(str(value))
    except ValueError:
        speed = 0
    if not speed > 0:
        raise pytest.UsageError(f"{SPEED} must be a number above zero or none, not {value!r}")
    return speed


def _finish(
    item: pytest.Item, cassette: Cassette, recorder: CassetteRecorder, writes: bool
) -> Iterator[tuple[str, object]]:
    """Compare the recording with the existing cassette.

    If `writes` is true, write the recording. Yield properties for the report.
    """
    from chatgpt_browser.testing.recording.cassette import write_cassette
    from chatgpt_browser.testing.recording.drift import drift
    from chatgpt_browser.testing.recording.replay import read_lines

    lines = _lines(item, recorder)
    if cassette.path.exists():
        try:
            differences = drift(read_lines(cassette.path), lines)
        except (LookupError, TypeError, ValueError):
            differences = []  # The existing file is not a valid cassette.
        if differences:
            yield "chatgpt_drift", _drift_report(cassette, differences)
    if writes:
        write_cassette(cassette.path, lines)
        yield "chatgpt_recorded", shown(cassette.path)


def _lines(item: pytest.Item, recorder: CassetteRecorder) -> list[dict[str, Any]]:
    """Return the lines of the new cassette, without secrets."""
    secrets, session = set[str](), None
    for api in live.clients(item):
        secrets |= {api.session_token, *api._sender.secrets.known_secrets()}
        session = api._sender.tokens.cached or session
    return recorder.lines(secrets, session and (session.access_token, session.raw))


def _drift_report(cassette: Cassette, differences: list[Difference]) -> str:
    from chatgpt_browser.testing.script.leftover import count

    heading = f"{shown(cassette.path)}: the replies of the real site have another shape than the cassette"
    number = count(len(differences), "difference")
    return "\n".join([f"{heading} ({number}):", *(f"\n  {each}" for each in differences)])


def shown(path: Path) -> str:
    """Return a path relative to the working directory if the path is below it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
