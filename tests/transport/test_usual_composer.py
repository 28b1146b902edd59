"""The short way to operate a usual composer: which composers are usual, and that messages are sent in the short way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI
from chatgpt_browser._transport.site_ui.isolated_evaluation import IsolatedEvaluation
from chatgpt_browser._transport.site_ui.usual_composer import UsualComposer
from chatgpt_browser.testing import FakeChatGPT
from tests.support.scripted_site import base_urls

if TYPE_CHECKING:
    from chatgpt_browser.testing.server.chat_app import Layout

EDITOR = "<div contenteditable=true role=textbox style='height: 40px'></div>"
SEND = "<button type=submit>^</button>"
FORM = f"<form>{EDITOR}{SEND}</form>"
#: Composers with a text: markup, and whether the send button is recognized.
USUAL = {
    "names": (
        f"<form>{EDITOR}<button>Attach</button><button id=composer-submit-button>^</button></form>",
        True,
    ),
    "label": (f"<form>{EDITOR}<button>+</button><button aria-label='Send prompt'>^</button></form>", True),
    "structure": (FORM, True),
    "no button yet": (f"<form>{EDITOR}<button type=button>Attach</button></form>", False),
    "button to repeat the reply": (
        f"<form><button>Regenerate</button><div><textarea></textarea>{SEND.replace(' type=submit', '')}</div></form>",
        True,
    ),
    "text field": (f"<form><textarea></textarea>{SEND}</form>", True),
    "shown messages": (
        f"<article><form>{EDITOR}<button>Stop generating</button></form></article>{FORM}",
        True,
    ),
}
UNUSUAL = {
    "no composer": "<p>Hello</p>",
    "no form": f"{EDITOR}{SEND}",
    "two editors": f"{FORM}<textarea></textarea>",
    "two send buttons": f"<form>{EDITOR}{SEND}{SEND}</form>",
    "send button elsewhere": f"{FORM}<button>Send message</button>",
    "stop button": f"<form>{EDITOR}<button type=button>Stop</button></form>",
    "log-in link": f"{FORM}<a href='/login'>Sign in</a>",
    "shell": f"<form inert><textarea name=prompt-textarea></textarea></form>{FORM}",
    "dialog": f"{FORM}<div role=dialog aria-modal=true>What's new</div>",
    "cover": f"{FORM}<div style='position: fixed; inset: 0'></div>",
}


@pytest.mark.anyio
async def test_usual_composer_is_recognized_only_without_doubt() -> None:
    """The test uses one browser for all pages."""
    with FakeChatGPT(form="app") as server:
        options = base_urls(server)
        async with AsyncChatGPTAPI(server.session_token, send_via="page", **options) as api:
            await api.start()
            running = api._browser_manager._browser
            assert running is not None
            page = await running.context.new_page()
            cdp = await running.context.new_cdp_session(page)
            await cdp.send("Page.enable")
            composer = UsualComposer(page, IsolatedEvaluation(cdp))

            for name, (markup, has_button) in USUAL.items():
                await page.set_content(markup)
                assert (await composer.write("Hello") is not None) is has_button, name
                state = await composer.look("Hello")
                assert state is not None, name
                assert (state.text, state.copies, state.is_enabled) == ("Hello", 0, has_button), name

            for name, markup in UNUSUAL.items():
                await page.set_content(markup)
                assert await composer.look() is None, name
                assert await composer.write("Hello") is None, name
                assert not await composer.click_send(""), name


def test_usual_composer_of_each_layout_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    short_way: set[Layout] = set()
    click_send = UsualComposer.click_send

    async def recording(self: UsualComposer, text: str) -> bool:
        is_sent = await click_send(self, text)
        if is_sent:
            short_way.add(server.layout)
        return is_sent

    monkeypatch.setattr(UsualComposer, "click_send", recording)
    layouts: tuple[Layout, ...] = ("usual", "2023", "2025", "2026")
    with (
        FakeChatGPT(form="app") as server,
        ChatGPTAPI(server.session_token, send_via="page", **base_urls(server)) as api,
    ):
        for layout in layouts:
            server.layout = layout
            conversation = api.get_conversation()
            conversation.send_message("One")
            conversation.send_message("Two\nlines")

    # On a slow machine, single messages take the other way.
    assert short_way == set(layouts)


def test_usual_composer_is_read_twice_for_a_follow_up_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """The composer is read once before the text is written, and once after that. The second call does not send the script."""
    scripts: list[str] = []
    sizes: list[int] = []
    call, send = IsolatedEvaluation.call, IsolatedEvaluation._call

    async def recording_call(self: IsolatedEvaluation, script_name: str, *arguments: Any, **more: Any) -> Any:
        scripts.append(script_name)
        return await call(self, script_name, *arguments, **more)

    async def recording_send(self: IsolatedEvaluation, world: int, declaration: str, values: Any) -> Any:
        sizes.append(len(declaration))
        return await send(self, world, declaration, values)

    monkeypatch.setattr(IsolatedEvaluation, "call", recording_call)
    monkeypatch.setattr(IsolatedEvaluation, "_call", recording_send)
    # On a slow machine, the next step of a message may follow late.
    monkeypatch.setattr("chatgpt_browser._transport.site_ui.usual_composer._MAX_AGE", 20.0)
    with (
        FakeChatGPT(form="app") as server,
        ChatGPTAPI(server.session_token, send_via="page", **base_urls(server)) as api,
    ):
        conversation = api.get_conversation()
        conversation.send_message("One")
        conversation.send_message("Two")
        scripts.clear()
        sizes.clear()
        conversation.send_message("Three")

    assert sorted(scripts) == ["newest_message_ids.js", "usual_composer.js", "usual_composer.js"]
    assert max(sizes) < 100
