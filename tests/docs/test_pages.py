"""Completeness of the pages: errors, variables, public names and npm names. Pictures load no other file."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

import chatgpt_browser
import chatgpt_browser.server
import chatgpt_browser.testing
from chatgpt_browser import ChatGPTAPI, ChatGPTConversation, ChatGPTError
from chatgpt_browser.cli.environment import VARIABLES
from chatgpt_browser.cli.exit_codes import kind_of
from tests.support.doc_blocks import ROOT
from tests.support.doc_shell import project_table

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

DOCS = ROOT / "docs"
#: The names on the npm package's reference page: options of the constructor, methods and their options.
NPM_NAMES = {
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
    """Return the stripped cells of all table rows that start with code, so without headings and rules."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if "`" in line.split("|")[1]
    ]


def test_npm_page_maps_every_npm_name_to_an_existing_name() -> None:
    table = {
        row[0].strip("`").partition("(")[0]: row[1].strip("`").partition("(")[0]
        for row in rows(page("how-to/from-npm.md"))
    }
    assert set(table) == NPM_NAMES

    here = {*dir(ChatGPTAPI), *dir(chatgpt_browser)}
    for call in (ChatGPTAPI, ChatGPTAPI.send_message, ChatGPTAPI.get_conversation, ChatGPTConversation):
        here |= set(inspect.signature(call).parameters)
    assert set(table.values()) <= here


@pytest.mark.parametrize("camel", sorted(NPM_NAMES))
def test_npm_page_maps_npm_name_to_snake_case(camel: str) -> None:
    name = camel.removeprefix("opts.").removeprefix("new ")
    snake = name if name[0].isupper() else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    cells = next(
        row for row in rows(page("how-to/from-npm.md")) if row[0].strip("`").partition("(")[0] == camel
    )
    assert cells[1].strip("`").partition("(")[0] == snake


@pytest.mark.parametrize("name", [name for name in ERRORS if name != "ChatGPTError"])
def test_errors_page_lists_error_with_cause_remedy_and_exit_code(name: str) -> None:
    text = page("how-to/errors.md")
    found = [row for row in rows(text) if row[0] == f"`{name}`"]
    assert len(found) == 1
    _, happened, remedy, code = found[0]
    assert happened
    assert remedy
    assert int(code) == kind_of(getattr(chatgpt_browser, name)()).code
    assert f"::: chatgpt_browser.{name}\n" in page("reference/errors.md") + "\n"


def test_errors_page_tree_equals_the_class_hierarchy() -> None:
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


def test_environment_page_lists_every_variable() -> None:
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
    "package",
    [chatgpt_browser, chatgpt_browser.server, chatgpt_browser.testing],
    ids=lambda package: str(package.__name__),
)
def test_reference_contains_every_public_name(package: ModuleType) -> None:
    reference = "".join(path.read_text("utf-8") for path in sorted((DOCS / "reference").glob("*.md")))
    listed = set(re.findall(rf"^::: {package.__name__}\.(\w+)$", reference, re.MULTILINE))
    assert listed - {"pytest_plugin"} == set(package.__all__) - {"__version__"}


@pytest.mark.parametrize(
    ("name", "class_name"), [("client", "ChatGPTAPI"), ("async-client", "AsyncChatGPTAPI")]
)
def test_reference_contains_every_public_method(name: str, class_name: str) -> None:
    members = set(re.findall(r"^ {8}- (\w+)$", page(f"reference/{name}.md"), re.MULTILINE))
    assert members == {
        member for member in dir(getattr(chatgpt_browser, class_name)) if not member.startswith("_")
    }


@pytest.mark.parametrize("path", sorted((DOCS / "assets").glob("*.svg")), ids=lambda path: str(path.name))
def test_svg_contains_no_external_reference(path: Path) -> None:
    text = path.read_text("utf-8")
    ElementTree.fromstring(text)
    assert not re.search(r"(href|src)=[\"'](?!#)|url\((?!#)|@import|@font-face", text)


def test_readme_is_a_landing_page_with_all_extras() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    listed = {row[0].strip("`") for row in rows(text)}
    extras = set(re.findall(r"^(\w+) = \[", project_table("project.optional-dependencies"), re.MULTILINE))

    assert extras <= listed
    assert len(text.splitlines()) <= 150
    for command in ("bash scripts/demo.sh", "bash scripts/test.sh"):
        assert command in text


def test_how_do_i_page_links_to_every_how_to_page() -> None:
    linked = set(re.findall(r"\(how-to/([\w-]+\.md)", page("how-do-i.md")))
    assert linked == {path.name for path in (DOCS / "how-to").glob("*.md")}
