"""The types that a user's type checker reads: public attributes are annotated, and the ids and files of replies have exact types.

`scripts/release.sh` also runs `pyright --verifytypes`, which takes longer and sees more.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import chatgpt_browser
from chatgpt_browser import ChatGPTAPI
from chatgpt_browser._client import client_options
from chatgpt_browser.testing import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser import AsyncChatGPTAPI, AsyncReplyFile, Reply, ReplyFile

PACKAGE = Path(chatgpt_browser.__file__).parent
#: Calls whose result defines a type or a name. Type checkers know these calls.
DEFINITIONS = {"TypeVar", "NewType", "namedtuple"}


def assigned_name(target: ast.expr, owner: str) -> str:
    """Return the name that an assignment sets: a variable, or with an owner (`self`) an attribute. Else return an empty str."""
    if owner:
        is_own = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
        return target.attr if is_own and target.value.id == owner else ""  # type: ignore[attr-defined]
    return target.id if isinstance(target, ast.Name) else ""


def is_guessed(value: ast.expr) -> bool:
    """Return whether type checkers may infer different types for a value."""
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).rpartition(".")[2] not in DEFINITIONS
    if isinstance(value, ast.Constant):
        return isinstance(value.value, float)  # the type may be float, or int | float
    plain = (ast.Name, ast.Attribute, ast.Subscript, ast.Lambda, ast.BinOp)
    return not isinstance(value, plain)


def unannotated(nodes: list[ast.stmt], owner: str = "") -> Iterator[str]:
    """Yield the public names that these statements set to a computed value without a type. Constants are left out."""
    typed = {assigned_name(node.target, owner) for node in nodes if isinstance(node, ast.AnnAssign)}
    for node in nodes:
        if isinstance(node, ast.Assign) and is_guessed(node.value):
            targets = [each for target in node.targets for each in getattr(target, "elts", [target])]
            names = {assigned_name(target, owner) for target in targets}
            yield from (
                name for name in names - typed if name and not name.startswith("_") and not name.isupper()
            )


def check(path: Path, root: Path) -> list[str]:
    """Return the public variables and attributes of a module that need an annotation."""
    tree = ast.parse(path.read_text("utf-8"))
    is_private = any(part.startswith("_") for part in path.relative_to(root).parts[:-1])
    found = [] if is_private else list(unannotated(tree.body))
    for scope in ast.walk(tree):
        if isinstance(scope, ast.ClassDef) and not scope.name.startswith("_"):
            found += [f"{scope.name}.{name}" for name in unannotated(scope.body)]
            for method in scope.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    found += [f"{scope.name}.{name}" for name in unannotated(method.body, "self")]
    return found


def test_public_attributes_have_types() -> None:
    paths = [path for path in PACKAGE.rglob("*.py") if "hook-" not in path.name]
    found = {path.relative_to(PACKAGE).as_posix(): names for path in paths if (names := check(path, PACKAGE))}

    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "logger = getLogger()",
        "class A:\n def __init__(self):\n  self.b = g()",
        "class A:\n def __init__(self):\n  self.b = 0.0",
        "class A:\n def __init__(self, b):\n  self.b, self._c = b, 1",
    ],
)
def test_unannotated_value_is_found(source: str, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(source)

    assert check(tmp_path / "module.py", tmp_path) in (["logger"], ["A.b"])


def test_client_options_are_those_of_constructor() -> None:
    parameters = inspect.signature(ChatGPTAPI).parameters.values()
    options = {each.name: str(each.annotation) for each in parameters if each.kind is each.KEYWORD_ONLY}

    typed = (
        client_options.ClientOptions.__annotations__ | client_options.OptionsWithoutContext.__annotations__
    )
    assert {name: reference.__forward_arg__ for name, reference in typed.items()} == options


def use(*values: object) -> None:
    """Use values, so that they are not reported as unused."""


def typed_program(api: ChatGPTAPI) -> None:
    """Use replies as a program does. mypy checks this function, which is never called."""
    reply: Reply[ReplyFile] = api.ask("?")
    api.get_history(reply.conversation_id).get_reply(reply.message_id)
    first: bytes = reply.files[0].read()
    use(first, api.submit("?").wait().files[0].size)
    conversation = api.get_conversation()
    api.get_history(conversation.conversation_id).get_reply(conversation.parent_message_id)
    with api.stream_message("?") as stream:
        api.rename_conversation(stream.conversation_id, stream.reply.text)
    ChatGPTAPI(None, browser_context="default", browser_url="chrome")
    ChatGPTAPI(None)  # type: ignore[call-overload]
    ChatGPTAPI.from_login(headles=True)  # type: ignore[call-arg]
    recorded: str = Recorder(api, "r").send_message("?")
    use(recorded)


async def typed_async_program(api: AsyncChatGPTAPI) -> None:
    """Use the asynchronous client. mypy checks this function, which is never called."""
    reply: Reply[AsyncReplyFile] = await api.ask("?")
    first: bytes = await reply.files[0].read()
    use(first, await (await api.get_history("id")).messages[0].files[0].read())
    recorded: str = await Recorder(api, "r").send_message("?")
    use(recorded)
    wrong: bytes = reply.files[0].read()  # type: ignore[assignment]
    use(wrong)
