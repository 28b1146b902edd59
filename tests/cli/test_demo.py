"""`chatgpt-browser demo`: prints every step in order, and that the server is a fake."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from chatgpt_browser import ChatGPTError
from chatgpt_browser.cli.commands.demo import NEXT_STEPS, converse, program_name
from chatgpt_browser.cli.output.step_lines import StepLines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cli_fixtures import Invoke

STEPS = [
    "fake server up",
    "browser up",
    "challenge passed",
    "session valid",
    "first word",
    "reply",
    "second reply",
    "browser closed",
]


def test_demo_prints_every_step_with_its_duration(invoke: Invoke) -> None:
    result = invoke("demo")
    assert result.exit_code == 0
    assert result.stderr == ""
    found = re.findall(r"^[✓+] +(.+?) +\d+\.\d{3} s", result.stdout, re.MULTILINE)
    assert found == STEPS
    assert "fake server, not ChatGPT" in result.stdout
    _, _, steps = result.stdout.partition("Next, with your own account:\n")
    expected = [f"chatgpt-browser {arguments} {purpose}" for arguments, purpose in NEXT_STEPS]
    assert [" ".join(line.split()) for line in steps.splitlines()] == expected


@pytest.mark.parametrize(
    ("started", "on_path", "name"),
    [
        ("here/.venv/bin/chatgpt-browser", False, ".venv/bin/chatgpt-browser"),
        ("here/.venv/bin/chatgpt-browser", True, "chatgpt-browser"),
        ("here/chatgpt_browser/__main__.py", False, "chatgpt-browser"),
    ],
)
def test_demo_program_not_on_path_is_named_by_its_path(
    started: str, on_path: bool, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_folder = tmp_path / "here" / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "chatgpt-browser").write_text("")
    (bin_folder / "chatgpt-browser").chmod(0o755)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PATH", str(bin_folder if on_path else tmp_path))
    monkeypatch.setattr("sys.argv", [str(tmp_path / started), "demo"])

    assert program_name() == name


def test_demo_reply_without_first_message_is_an_error() -> None:
    class Stream:
        text = "Who knows?"

        def __init__(self) -> None:
            self._pieces = iter(["Who", " knows?"])

        def __iter__(self) -> Iterator[str]:
            return self._pieces

        def __next__(self) -> str:
            return next(self._pieces)

        def __enter__(self) -> Stream:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    class Conversation:
        def stream_message(self, message: str) -> Stream:
            return Stream()

        def send_message(self, message: str) -> str:
            return "I do not know."

    with (
        StepLines(Console(file=io.StringIO())) as steps,
        pytest.raises(ChatGPTError, match="does not mention"),
    ):
        converse(Conversation(), steps)  # type: ignore[arg-type]


@pytest.mark.parametrize(("encoding", "sign"), [("utf-8", "✓"), ("ascii", "+")])
def test_step_lines_sign_fits_the_encoding(encoding: str, sign: str) -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    with StepLines(Console(file=file)) as steps:
        steps.done("a step")

    file.seek(0)
    assert file.read().startswith(sign)
