"""Chromium's own sandbox: on unless something refuses it, and the log says which."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser import _browser
from chatgpt_browser._browser import sandbox_refusal

from .anatomy import Mark

if TYPE_CHECKING:
    from pathlib import Path

    from tests.core.conftest import Connect, Serve

SWITCHES = {name.rpartition("/")[2]: value for name, value in _browser._KERNEL_SWITCHES.items()}


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel whose switches are files of ours; a user who is not root; no helper that would do without."""
    moved = {str(tmp_path / name): value for name, value in SWITCHES.items()}
    monkeypatch.setattr(_browser, "_KERNEL_SWITCHES", moved)
    monkeypatch.setattr(_browser, "_SETUID_HELPERS", (str(tmp_path / "chrome-sandbox"),))
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    return tmp_path


def test_on_by_default(kernel: Path) -> None:
    assert sandbox_refusal() is None


def test_root_is_refused(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    assert "root" in str(sandbox_refusal())


def test_a_system_without_users(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "geteuid", raising=False)
    assert sandbox_refusal() is None


@pytest.mark.parametrize(("switch", "refusing"), SWITCHES.items())
def test_a_kernel_that_refuses(kernel: Path, switch: str, refusing: str) -> None:
    (kernel / switch).write_text(f"{refusing}\n")
    assert f"{switch} is {refusing}" in str(sandbox_refusal())

    (kernel / switch).write_text(f"{1 - int(refusing)}\n")
    assert sandbox_refusal() is None


def test_a_helper_does_what_the_kernel_refuses(kernel: Path) -> None:
    switch, refusing = next(iter(SWITCHES.items()))
    (kernel / switch).write_text(refusing)
    (kernel / "chrome-sandbox").touch()
    assert sandbox_refusal() is None


def test_what_the_log_says_is_what_chromium_is_told(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "chatgpt_browser")
    mark = Mark()
    connect(serve(), browser_args=[mark.argument]).start()

    refusal = sandbox_refusal()
    assert f"Chromium's sandbox is {'on' if refusal is None else f'off: {refusal}'}" in caplog.messages
    assert ("--no-sandbox" in mark.browser().cmdline()) is (refusal is not None)
    assert hasattr(os, "geteuid") and os.geteuid() == 0 or "root" not in str(refusal)
