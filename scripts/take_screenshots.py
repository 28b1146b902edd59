"""Take the screenshots of the watch page in docs/assets/: ``python scripts/take_screenshots.py``.

The page shows a conversation with a fake server, a fault, and the rules that were used. Each picture has the width of a device.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect, sync_playwright

from chatgpt_browser import ChatGPTAPI, ChatGPTError
from chatgpt_browser._browser.executables import launch_candidates
from chatgpt_browser._browser.sandbox import sandbox_refusal
from chatgpt_browser._client.base_client import default_options
from chatgpt_browser.testing import FakeChatGPT, Gate, Reply

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ASSETS = Path(__file__).parents[1] / "docs" / "assets"
#: Maps the names of the pictures to the width and the height of the window in pixels, and to the colour scheme.
PICTURES: dict[str, tuple[int, int, Any]] = {
    "watch-page.png": (1280, 640, "light"),
    "watch-page-dark.png": (1280, 640, "dark"),
    "watch-page-phone.png": (390, 844, "light"),
}


def main() -> None:
    """Take all pictures while a reply is being streamed."""
    gate = Gate()
    with FakeChatGPT() as server, ChatGPTAPI(**server.client_options) as api, sync_playwright() as playwright:
        talk(server, api, gate)
        chromium: Any = playwright.chromium
        which = next(launch_candidates(chromium, default_options()))
        browser = playwright.chromium.launch(chromium_sandbox=not sandbox_refusal(), **which)
        for name in PICTURES:
            take(browser, server, name)
        gate.open()
        browser.close()


def talk(server: FakeChatGPT, api: ChatGPTAPI, gate: Gate) -> None:
    """Send messages. The reply to the last message stays incomplete until the gate opens."""
    server.when("weather", "Sunny, 24 °C, with a light wind from the west.")
    server.when("Rome", Reply("Rome is sunny as well: 27 °C at noon.", hold_after=7, gate=gate))
    server.inject("rate-limit-header", after=1)
    conversation = api.get_conversation()
    conversation.send_message("How is the weather in Lisbon?")
    try:
        conversation.send_message("And in Rome?")
    except ChatGPTError as error:
        print(error)  # noqa: T201
    stream = conversation.stream_message("And in Rome?")
    next(stream)
    gate.wait_reached()


def take(browser: Browser, server: FakeChatGPT, name: str) -> None:
    """Take one picture of the watch page."""
    width, height, scheme = PICTURES[name]
    with browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1.5
    ) as context:
        page: Page = context.new_page()
        page.goto(server.watch_url)
        expect(page.get_by_role("status").first).to_have_text("live")
        expect(page.locator(".message.assistant.live")).to_be_visible()
        page.screenshot(path=ASSETS / name, full_page=width < 600)


if __name__ == "__main__":
    main()
