from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chatgpt_browser.testing import FakeChatGPT
from tests.support.doc_reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def shared_reader() -> Iterator[Reader]:
    with FakeChatGPT() as server:
        reader = Reader(server)
        try:
            yield reader
        finally:
            reader.close()


@pytest.fixture
def reader(shared_reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Reader:
    """A reader in an empty folder, who has the session token in the environment."""
    shared_reader.prepare(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return shared_reader
