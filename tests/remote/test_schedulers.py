"""The examples that distribute messages with a scheduler: Dask and pytest-xdist."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.remote_browsers import RemoteBrowser, http_url
from tests.support.scripted_site import base_urls, posts_of

if TYPE_CHECKING:
    from types import ModuleType

    from chatgpt_browser.testing import FakeChatGPT

EXAMPLES = Path(__file__).parents[2] / "examples" / "schedulers"


def load_example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.long
def test_dask_example_sends_each_prompt_once(
    remote_chromium: RemoteBrowser, server: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are two workers, each with a separate connection."""
    from distributed import (
        Client,
        LocalCluster,
    )  # takes half a second, which each worker of pytest would need

    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", server.session_token)
    prompts = [f"prompt {number}" for number in range(6)]
    settings: dict[str, Any] = {"processes": False, "dashboard_address": None, "threads_per_worker": 1}
    with LocalCluster(n_workers=2, **settings) as cluster, Client(cluster) as client:  # type: ignore[no-untyped-call]
        browsers = [http_url(remote_chromium), remote_chromium.url]
        outcomes = load_example("with_dask").divide(client, prompts, browsers, **base_urls(server))

    assert dict(outcomes) == {prompt: f'You said: "{prompt}".' for prompt in prompts}
    assert len(posts_of(server.requests)) == 6


@pytest.mark.long
def test_xdist_example_passes(
    remote_chromium: RemoteBrowser, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("conftest.py", "test_smoke.py"):
        shutil.copy(EXAMPLES / name, pytester.path)
    monkeypatch.setenv("BROWSERS", f"{http_url(remote_chromium)} {remote_chromium.url}")
    run = pytester.runpytest_subprocess("-n", "2", "-p", "no:asyncio")
    run.assert_outcomes(passed=2)
