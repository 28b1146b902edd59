"""The origins that accept messages only from their own page: memory, file, expiry."""

from __future__ import annotations

import json
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser._core.page_only_origins import FILE_NAME, PageOnlyOrigins

if TYPE_CHECKING:
    from pathlib import Path

SITE, OTHER = "https://chatgpt.com", "https://chat.openai.com"
DAY = 24 * 3600


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_origins_remembered_are_loaded_by_another_process(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    PageOnlyOrigins(lambda: folder).remember(SITE, OTHER)

    later = PageOnlyOrigins(lambda: folder)
    assert SITE not in later  # nothing is read before `load`
    later.load()
    assert SITE in later and OTHER in later
    assert "https://example.com" not in later
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize(("age", "known"), [(6.9 * DAY, True), (7 * DAY, False), (-DAY, False)])
def test_origins_are_forgotten_after_seven_days(tmp_path: Path, age: float, known: bool) -> None:
    clock = Clock()
    origins, later = PageOnlyOrigins(lambda: tmp_path, clock), PageOnlyOrigins(lambda: tmp_path, clock)
    origins.remember(SITE)
    clock.now += age
    later.load()
    assert (SITE in origins, SITE in later) == (known, known)

    later.remember(OTHER)
    assert (SITE in json.loads((tmp_path / FILE_NAME).read_text())) == known


def test_origins_of_two_processes_are_merged(tmp_path: Path) -> None:
    first, second = PageOnlyOrigins(lambda: tmp_path), PageOnlyOrigins(lambda: tmp_path)
    first.remember(SITE)
    second.remember(OTHER)
    assert set(json.loads((tmp_path / FILE_NAME).read_text())) == {SITE, OTHER}


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"null", b'{"https://chatgpt.com": null}', b'{"https://chatgpt.com": "soon"}']
    + [b'{"https://chatgpt.com": NaN}', b'{"https://chatgpt.com": [1]}', b"\xff\xfe", b"[" * 100_000],
)
def test_origins_damaged_file_is_ignored_and_replaced(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(damage)
    origins = PageOnlyOrigins(lambda: tmp_path)
    origins.load()
    assert SITE not in origins
    origins.remember(SITE)
    assert SITE in origins
    assert set(json.loads((tmp_path / FILE_NAME).read_text())) == {SITE}


def test_origins_unwritable_folder_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    origins = PageOnlyOrigins(lambda: tmp_path / "file" / "data")
    origins.load()
    origins.remember(SITE)
    assert SITE in origins


def test_origins_without_home_folder_are_kept_in_memory() -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    origins = PageOnlyOrigins(no_home)
    origins.load()
    origins.remember(SITE)
    assert SITE in origins


def test_origins_remembered_by_many_threads_are_all_saved(tmp_path: Path) -> None:
    origins = PageOnlyOrigins(lambda: tmp_path)
    names = [f"https://{number}.example" for number in range(16)]
    threads = [threading.Thread(target=origins.remember, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(json.loads((tmp_path / FILE_NAME).read_text())) == set(names)
