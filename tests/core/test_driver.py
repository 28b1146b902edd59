"""Playwright's driver is a program of its own, which may fail before there is a browser to speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chatgpt_browser import BrowserLaunchError, ChatGPTAPI

if TYPE_CHECKING:
    from pathlib import Path


def test_a_driver_that_ends_before_its_first_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\nexit 127\n")
    node.chmod(0o755)
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(node))

    with (
        ChatGPTAPI("some-session-token") as api,
        pytest.raises(BrowserLaunchError, match="driver did not start"),
    ):
        api.start()
