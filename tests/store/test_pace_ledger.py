"""The sent messages and the limits of an account in the job store."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser._core.errors import RateLimitError
from chatgpt_browser._core.pace import KnownLimit, PaceRules, PaceState
from chatgpt_browser._store.pace_ledger import PaceLedger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_800_000_000.0
LIMIT = KnownLimit("hour", NOW + 60, NOW, "Slow down.", {"status_code": 429})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite3"


@pytest.fixture
def ledger(path: Path) -> Iterator[PaceLedger]:
    ledger = PaceLedger(path)
    yield ledger
    ledger.close()


def two_an_hour(state: PaceState) -> float:
    return state.wait_before_sending(PaceRules(0, 2), NOW)


def test_reserve_full_hour_raises_and_records_nothing(ledger: PaceLedger) -> None:
    for _ in range(2):
        assert ledger.reserve("a", NOW, two_an_hour)[0] == 0
    with pytest.raises(RateLimitError):
        ledger.reserve("a", NOW, two_an_hour)
    assert ledger.state("a").sent_at == (NOW, NOW)
    assert ledger.reserve("another account", NOW, two_an_hour)[0] == 0


def test_reserve_message_that_waits_is_not_recorded(ledger: PaceLedger) -> None:
    assert ledger.reserve("a", NOW, lambda state: 5.0) == (5.0, None)
    assert ledger.state("a") == PaceState()


def test_withdraw_frees_the_place_of_a_message_that_was_not_sent(ledger: PaceLedger) -> None:
    _, record = ledger.reserve("a", NOW, two_an_hour)
    _, other = ledger.reserve("a", NOW, two_an_hour)
    assert record is not None
    assert other is not None
    ledger.withdraw(record)
    ledger.confirm(other, NOW + 3)
    assert ledger.state("a").sent_at == (NOW + 3,)


def test_reserve_deletes_old_records_except_the_newest(ledger: PaceLedger) -> None:
    for age in (9000, 7200):
        ledger.reserve("a", NOW - age, lambda state: 0.0)
    ledger.reserve("a", NOW, lambda state: 0.0)
    assert ledger.state("a").sent_at == (NOW - 7200, NOW)


def test_remember_limit_is_read_by_another_ledger(ledger: PaceLedger, path: Path) -> None:
    ledger.remember("a", KnownLimit("hour", NOW + 5, NOW, "", {}))
    ledger.remember("a", LIMIT)
    other = PaceLedger(path)
    assert other.state("a").limits == (LIMIT,)
    assert other.state("b").limits == ()
    other.close()


def test_find_account_stores_hash_instead_of_token(ledger: PaceLedger, path: Path) -> None:
    assert ledger.find_account("a secret token") is None
    ledger.note_account("a secret token", "account", NOW)
    assert ledger.find_account("a secret token") == "account"
    ledger.close()
    assert b"a secret token" not in path.read_bytes()


RACE = """
import sys
from pathlib import Path
from chatgpt_browser._core.errors import RateLimitError
from chatgpt_browser._core.pace import PaceRules
from chatgpt_browser._store.pace_ledger import PaceLedger
ledger = PaceLedger(Path(sys.argv[1]))
ledger.state("a")
print("ready", flush=True)
sys.stdin.readline()
count = 0
for _ in range(20):
    try:
        ledger.reserve("a", 1.0, lambda state: state.wait_before_sending(PaceRules(0, 20), 1.0))
        count += 1
    except RateLimitError:
        pass
print(count)
"""


def test_reserve_two_processes_share_the_last_places(path: Path) -> None:
    PaceLedger(path).state("a")
    command = [sys.executable, "-c", RACE, str(path)]
    pipe = subprocess.PIPE
    racers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    counts = [int(racer.communicate(timeout=60)[0]) for racer in racers]
    assert sum(counts) == 20
