"""Tests of the user agent and its client hints."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from chatgpt_browser import SEED_USER_AGENT
from chatgpt_browser._protocol.user_agent import override, own_user_agent

LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) {}/156.0.0.0 Safari/537.36"
HINTS: dict[str, Any] = {
    "architecture": "x86",
    "bitness": "64",
    "brands": [{"brand": "Not:A-Brand", "version": "8"}, {"brand": "Chromium", "version": "156"}],
    "formFactors": ["Desktop"],
    "fullVersionList": [
        {"brand": "Not:A-Brand", "version": "8.0.0.0"},
        {"brand": "Chromium", "version": "156.0.8078.79"},
    ],
    "mobile": False,
    "model": "",
    "platform": "Linux",
    "platformVersion": "6.1",
    "wow64": False,
}


def headless_hints() -> dict[str, Any]:
    hints = copy.deepcopy(HINTS)
    hints["brands"].append({"brand": "HeadlessChrome", "version": "156"})
    hints["fullVersionList"].append({"brand": "HeadlessChrome", "version": "156.0.8078.79"})
    return hints


@pytest.mark.parametrize("version", ["156.0.0.0", "156.0.8078.79", "156"])
def test_own_user_agent_removes_headless_and_reduces_version(version: str) -> None:
    user_agent = LINUX.format("HeadlessChrome").replace("156.0.0.0", version)

    assert own_user_agent(user_agent) == LINUX.format("Chrome")


def test_override_headless_equals_headed_chromium() -> None:
    hints = headless_hints()

    assert override(LINUX.format("HeadlessChrome"), hints, None) == {
        "userAgent": LINUX.format("Chrome"),
        "userAgentMetadata": HINTS,
    }
    assert hints == headless_hints(), "the argument is not modified"


def test_override_headed_browser_returns_none() -> None:
    assert override(LINUX.format("Chrome"), HINTS, None) is None
    assert override(LINUX.format("Chrome"), HINTS, LINUX.format("Chrome")) is None


def test_override_npm_user_agent_adapts_hints() -> None:
    change = override(LINUX.format("HeadlessChrome"), headless_hints(), SEED_USER_AGENT)

    assert change is not None
    assert change["userAgent"] == SEED_USER_AGENT
    hints = change["userAgentMetadata"]
    assert {"brand": "Chromium", "version": "107"} in hints["brands"]
    assert {"brand": "Chromium", "version": "107.0.0.0"} in hints["fullVersionList"]
    assert (hints["platform"], hints["platformVersion"], hints["mobile"]) == ("macOS", "", False)


@pytest.mark.parametrize(
    ("system", "platform", "mobile"),
    [
        ("Windows NT 10.0; Win64; x64", "Windows", False),
        ("Linux; Android 14; Pixel 8", "Android", True),
        ("X11; CrOS x86_64 14541.0.0", "Chrome OS", False),
        ("X11; Linux x86_64", "Linux", False),
    ],
)
def test_override_platform_hint_follows_user_agent(system: str, platform: str, mobile: bool) -> None:
    user_agent = f"Mozilla/5.0 ({system}) AppleWebKit/537.36 Chrome/140.0.0.0{' Mobile' if mobile else ''} Safari/537.36"
    change = override(LINUX.format("Chrome"), HINTS, user_agent)

    assert change is not None
    assert change["userAgentMetadata"]["platform"] == platform
    assert change["userAgentMetadata"]["mobile"] is mobile
    assert change["userAgentMetadata"]["platformVersion"] == ("6.1" if platform == "Linux" else "")


def test_override_other_browser_has_no_hints() -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

    assert override(LINUX.format("HeadlessChrome"), headless_hints(), firefox) == {"userAgent": firefox}


def test_override_engine_without_hints_changes_user_agent_only() -> None:
    assert override(LINUX.format("HeadlessChrome"), None, None) == {"userAgent": LINUX.format("Chrome")}
