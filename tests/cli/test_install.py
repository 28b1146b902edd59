"""`chatgpt-browser install`: tries the cheapest way first, and each way once."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser._browser.executables import FULL_BROWSERS, HEADLESS_SHELLS
from chatgpt_browser.cli.commands import install as install_module

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.cli_fixtures import Invoke

install: Any = install_module


class Machine:
    """A fake machine: `has` names its programs, `fails` parts of the commands that fail."""

    def __init__(self, *, has: Sequence[str] = (), fails: Sequence[str] = ()) -> None:
        self.has, self.fails = has, fails
        self.ran: list[str] = []

    def which(self, name: str) -> str | None:
        return f"/usr/bin/{name}" if name in self.has else None

    def run(self, command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert "CHATGPT_SESSION_TOKEN" not in options["env"]
        line = " ".join(command).replace(" ".join(install.PLAYWRIGHT), "playwright")
        self.ran.append(line)
        failed = any(part in line for part in self.fails)
        return subprocess.CompletedProcess(command, int(failed), None, "trace\nError: no such host\n")


@pytest.fixture
def use_machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    def use(machine: Machine, *, root: bool = True) -> Machine:
        monkeypatch.setattr("shutil.which", machine.which)
        monkeypatch.setattr("subprocess.run", machine.run)
        monkeypatch.setattr("os.geteuid", lambda: 0 if root else 1000)
        monkeypatch.setattr("sys.platform", "linux")
        return machine

    return use


def test_install_existing_browser_runs_nothing(invoke: Invoke, use_machine: Any) -> None:
    machine = use_machine(Machine(has=["chromium"]))
    result = invoke("install")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "/usr/bin/chromium" in result.stderr
    assert machine.ran == []


@pytest.mark.parametrize("name", HEADLESS_SHELLS + FULL_BROWSERS)
def test_install_finds_every_browser_of_the_launcher(name: str, invoke: Invoke, use_machine: Any) -> None:
    machine = use_machine(Machine(has=[name]))
    assert f"found /usr/bin/{name}: nothing to install" in invoke("install").stderr
    assert machine.ran == []


def test_install_tries_playwright_build_first(invoke: Invoke, use_machine: Any) -> None:
    machine = use_machine(Machine(has=["apt-get"]))
    assert invoke("install").exit_code == 0
    assert machine.ran == ["playwright install chromium", "playwright install-deps chromium"]


def test_install_failed_download_uses_system_package(invoke: Invoke, use_machine: Any) -> None:
    machine = use_machine(Machine(has=["apt-get"], fails=["playwright"]))
    result = invoke("install")
    assert result.exit_code == 0
    assert "that failed: Error: no such host" in result.stderr
    assert [line.partition("apt-get ")[2] for line in machine.ran[1:]] == [
        "install -y -q chromium chromium-headless-shell"
    ]


def test_install_failed_package_updates_lists_and_retries(invoke: Invoke, use_machine: Any) -> None:
    machine = use_machine(Machine(has=["apt-get"], fails=["playwright", "apt-get install"]))
    assert invoke("install").exit_code == 8
    assert [line.split()[3] for line in machine.ran[1:]] == ["install", "update", "install"]


def test_install_uses_sudo_without_password(invoke: Invoke, use_machine: Any) -> None:
    machine = use_machine(Machine(has=["apt-get", "sudo"], fails=["playwright"]), root=False)
    assert invoke("install").exit_code == 0
    assert machine.ran[-1].startswith("sudo -n env ")


@pytest.mark.parametrize("fails", [["playwright", "sudo"], ["playwright"]])
def test_install_without_root_skips_system_package(
    invoke: Invoke, use_machine: Any, fails: list[str]
) -> None:
    has = ["apt-get", "sudo"] if "sudo" in fails else ["apt-get"]
    machine = use_machine(Machine(has=has, fails=fails), root=False)
    result = invoke("install")
    assert result.exit_code == 8
    assert "with your system's package manager" in result.stderr
    assert not any("apt-get" in line for line in machine.ran)


def test_install_endless_download_times_out(
    invoke: Invoke, use_machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(command: Sequence[str], **_: Any) -> None:
        raise subprocess.TimeoutExpired(command, 600)

    use_machine(Machine())
    monkeypatch.setattr("subprocess.run", never)
    result = invoke("install")
    assert result.exit_code == 8
    assert "stopped after 600 seconds" in result.stderr
