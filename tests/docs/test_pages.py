"""What pages list, they list whole: errors, variables, public names, the npm package's names; and the diagram stands alone."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

import chatgpt_browser
import chatgpt_browser.testing
from chatgpt_browser import ChatGPTAPI, ChatGPTConversation, ChatGPTError
from chatgpt_browser.cli.environment import VARIABLES
from chatgpt_browser.cli.exit_codes import kind_of
from tests.support.doc_blocks import ROOT

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

DOCS = ROOT / "docs"
#: What the npm package's reference page names, in its own words: options of the constructor, methods and their options.
NPM = {
    *("new ChatGPTAPI", "ChatGPTConversation"),
    *("opts.accessTokenTTL", "opts.apiBaseUrl", "opts.backendApiBaseUrl"),
    *("opts.markdown", "opts.sessionToken", "opts.userAgent"),
    *("ensureAuth", "getConversation", "getIsAuthenticated", "refreshAccessToken", "sendMessage"),
    *("opts.conversationId", "opts.parentMessageId", "opts.timeoutMs", "opts.onProgress"),
    *("opts.onConversationResponse", "opts.abortSignal"),
}
ERRORS = sorted(
    name
    for name in chatgpt_browser.__all__
    if isinstance(value := getattr(chatgpt_browser, name), type) and issubclass(value, ChatGPTError)
)


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def rows(text: str) -> list[list[str]]:
    """The rows of all tables, headings and rules left out, cells stripped."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if "`" in line.split("|")[1]
    ]


def test_every_name_of_the_npm_package_has_one_here() -> None:
    table = {
        row[0].strip("`").partition("(")[0]: row[1].strip("`").partition("(")[0]
        for row in rows(page("how-to/from-npm.md"))
    }
    assert set(table) == NPM

    here = {*dir(ChatGPTAPI), *dir(chatgpt_browser)}
    for call in (ChatGPTAPI, ChatGPTAPI.send_message, ChatGPTAPI.get_conversation, ChatGPTConversation):
        here |= set(inspect.signature(call).parameters)
    assert set(table.values()) <= here


@pytest.mark.parametrize("camel", sorted(NPM))
def test_a_python_name_is_the_npm_name_in_snake_case(camel: str) -> None:
    name = camel.removeprefix("opts.").removeprefix("new ")
    snake = name if name[0].isupper() else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    cells = next(
        row for row in rows(page("how-to/from-npm.md")) if row[0].strip("`").partition("(")[0] == camel
    )
    assert cells[1].strip("`").partition("(")[0] == snake


@pytest.mark.parametrize("name", [name for name in ERRORS if name != "ChatGPTError"])
def test_every_error_has_its_remedy(name: str) -> None:
    text = page("how-to/errors.md")
    found = [row for row in rows(text) if row[0] == f"`{name}`"]
    assert len(found) == 1
    _, happened, remedy, code = found[0]
    assert happened
    assert remedy
    assert int(code) == kind_of(getattr(chatgpt_browser, name)()).code
    assert f"::: chatgpt_browser.{name}\n" in page("reference/errors.md") + "\n"


def test_the_tree_of_errors_is_the_real_one() -> None:
    tree = re.search(r"```text\n(ChatGPTError\n.*?)```", page("how-to/errors.md"), re.DOTALL)
    assert tree is not None
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in tree[1].splitlines():
        depth = len(re.match(r"[│├└─ ]*", line)[0]) // 4  # type: ignore[index]
        names = re.findall(r"\w+Error", line)
        del above[depth:]
        if above:
            parents[names[0]] = above[-1]
        above.append(names[0])

    assert set(parents) | {"ChatGPTError"} == set(ERRORS)
    for name, parent in parents.items():
        assert issubclass(getattr(chatgpt_browser, name), getattr(chatgpt_browser, parent))


def test_every_variable_is_listed() -> None:
    listed = {
        name for row in rows(page("reference/environment.md")) for name in re.findall(r"CHATGPT_\w+", row[0])
    }
    read = {
        name
        for path in (ROOT / "chatgpt_browser").rglob("*.py")
        for name in re.findall(r'"(CHATGPT_[A-Z_]+)"', path.read_text("utf-8"))
    }
    assert listed == read == {name for name, _ in VARIABLES}


@pytest.mark.parametrize(
    "package", [chatgpt_browser, chatgpt_browser.testing], ids=lambda package: str(package.__name__)
)
def test_every_public_name_is_in_the_reference(package: ModuleType) -> None:
    reference = "".join(path.read_text("utf-8") for path in sorted((DOCS / "reference").glob("*.md")))
    told = set(re.findall(rf"^::: {package.__name__}\.(\w+)$", reference, re.MULTILINE))
    assert told - {"pytest_plugin"} == set(package.__all__) - {"__version__"}


@pytest.mark.parametrize(("name", "face"), [("client", "ChatGPTAPI"), ("async-client", "AsyncChatGPTAPI")])
def test_every_method_is_in_the_reference(name: str, face: str) -> None:
    members = set(re.findall(r"^ {8}- (\w+)$", page(f"reference/{name}.md"), re.MULTILINE))
    assert members == {member for member in dir(getattr(chatgpt_browser, face)) if not member.startswith("_")}


@pytest.mark.parametrize("path", sorted((DOCS / "assets").glob("*.svg")), ids=lambda path: str(path.name))
def test_a_picture_asks_for_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    ElementTree.fromstring(text)
    assert not re.search(r"(href|src)=[\"'](?!#)|url\((?!#)|@import|@font-face", text)
