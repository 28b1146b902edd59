"""Messages with ``send_via="page"`` on a page whose composer is a ProseMirror editor, as on the real site.

ProseMirror keeps its own document model and renders the page from it, so typed text is lost if the editor does not process it.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser.testing import Answer, FakeChatGPT, Gate, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.client_fixtures import Connect

PAGE = Path(__file__).parents[1] / "support" / "prosemirror_editor.html"
EDITOR = (
    "prosemirror-commands@1.7",
    "prosemirror-keymap@1.2",
    "prosemirror-model@1.25",
    "prosemirror-view@1.42",
)
TEXTS = (
    "Hello",
    "Two\nlines",
    "Three\n\nparagraphs\n",
    "def double(number):\n    twice = 2 * number\n\n\n    return\ttwice  # indented\n",
    "1. one\n- two\n# three\n**four** `five`\n```python\nsix\n```",
    "\U0001f600 \u00e9 \u65e5\u672c <b>&amp;</b> @someone /something",
    "word " * 4000,
)
#: Texts with many lines, which Chromium types in a time that grows with the square of the number of lines.
LONG_TEXTS = (
    "".join(f"{n}. a line of forty characters, or so  \n" for n in range(1_300)),
    "".join(f"# {n}\n\n\n  \tfo\U0001f600ur @someone /something\n" for n in range(1_300)) + "end",
)
#: About as many characters as the site accepts.
LONGEST_TEXT = "".join(f"{n}. a line of forty characters, or so  \n" for n in range(4_900))


@pytest.fixture(scope="module")
def editor_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the page with the editor's modules from npm inlined."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("npm")
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-save"]
    installed = subprocess.run(
        [npm, "install", *options, *EDITOR], cwd=folder, capture_output=True, text=True, timeout=50
    )
    if installed.returncode:
        pytest.skip(f"npm cannot install the editor here: {installed.stderr.strip()[-200:]}")

    modules = {}
    for package in (folder / "node_modules").glob("*/package.json"):
        about = json.loads(package.read_text("utf-8"))
        code = package.parent / about.get("module", about["main"])
        data = base64.b64encode(code.read_bytes()).decode()
        modules[about["name"]] = f"data:text/javascript;base64,{data}"
    return Template(PAGE.read_text("utf-8")).safe_substitute(imports=json.dumps({"imports": modules}))


@pytest.mark.long
def test_prosemirror_editor_each_text_is_sent_unchanged(editor_page: str, connect: Connect) -> None:
    with FakeChatGPT(form="app", reply=lambda turn: Reply(turn.message, channel="final")) as server:
        server.script_path("/", Answer(200, editor_page))
        conversation = connect(server, send_via="page").get_conversation()
        for text in TEXTS:
            assert conversation.send_message(text) == text

        gate = Gate()
        server.script(Reply(pieces=["One", " two"], hold_after=1, gate=gate))
        with conversation.stream_message("Stop soon") as stream:
            assert next(stream) == "One"
        last = [record for record in server.requests if record.path.endswith("f/conversation")][-1]
        assert last.disconnected.wait(20), "the stop button was not clicked"
        (kept,) = server.conversations.values()
        assert [text for role, text in kept.history() if role == "user"] == [*TEXTS, "Stop soon"]


@pytest.mark.long
@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(LONG_TEXTS, id="1300 lines"),
        pytest.param([LONGEST_TEXT], id="4900 lines", marks=pytest.mark.long),
    ],
)
def test_prosemirror_editor_long_texts_arrive_unchanged(
    editor_page: str, connect: Connect, texts: Sequence[str]
) -> None:
    with FakeChatGPT(form="app", reply="Yes.") as server:
        server.script_path("/", Answer(200, editor_page))
        conversation = connect(server, send_via="page").get_conversation()
        for text in texts:
            assert conversation.send_message(text) == "Yes."

        (kept,) = server.conversations.values()
        assert [text for role, text in kept.history() if role == "user"] == [*texts]
