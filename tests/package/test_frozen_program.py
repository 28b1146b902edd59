"""A program that PyInstaller has frozen: the hook collects the package's files and the modules that are imported by name."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import chatgpt_browser
from chatgpt_browser._pyinstaller import get_hook_dirs
from chatgpt_browser.cli.app import COMMANDS

if TYPE_CHECKING:
    from tests.support.client_fixtures import Serve

PROGRAM = """
import sys
from chatgpt_browser import ChatGPTAPI

token, origin = sys.argv[1:]
if __name__ == "__main__":
    with ChatGPTAPI(token, api_base_url=f"{origin}/api", backend_api_base_url=f"{origin}/backend-api") as api:
        print(api.send_message("Hello"))
"""


def run_hook(package: str = "chatgpt_browser") -> dict[str, Any]:
    pytest.importorskip("PyInstaller")
    (folder,) = get_hook_dirs()
    scope: dict[str, Any] = {}
    exec((Path(folder) / f"hook-{package}.py").read_text(), scope)
    return scope


def test_hook_is_registered_for_pyinstaller() -> None:
    (found,) = [entry for entry in entry_points(group="pyinstaller40") if "chatgpt_browser" in entry.value]

    assert found.load()() == get_hook_dirs()


def test_hook_collects_every_file_and_module() -> None:
    scope = run_hook()

    root = Path(chatgpt_browser.__file__).parent
    files = {path for path in root.rglob("*.*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert files <= {Path(source) for source, _ in scope["datas"]}
    assert {f"chatgpt_browser.{name}" for name in chatgpt_browser._LAZY_EXPORTS} <= set(
        scope["hiddenimports"]
    )
    assert not [name for name in scope["hiddenimports"] if name.startswith("chatgpt_browser.cli")]


def test_hook_of_command_line_collects_every_command() -> None:
    found = run_hook("chatgpt_browser.cli")["hiddenimports"]
    assert {f"chatgpt_browser.cli.{source.module}" for source in COMMANDS.values()} <= set(found)


@pytest.mark.long
def test_frozen_program_sends_a_message(serve: Serve, tmp_path: Path) -> None:
    pytest.importorskip("PyInstaller")
    server = serve()
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    build = [sys.executable, "-m", "PyInstaller", "--onedir", "--log-level=ERROR", "--noconfirm", str(script)]
    subprocess.run(build, cwd=tmp_path, check=True, timeout=280)

    program = tmp_path / "dist" / "program" / "program"
    environment = {**os.environ, "PLAYWRIGHT_BROWSERS_PATH": os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "0")}
    done = subprocess.run(
        [program, server.session_token, server.origin],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert (done.stdout, done.returncode) == ('You said: "Hello".\n', 0), done.stderr
