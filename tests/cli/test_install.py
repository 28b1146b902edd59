"""`chatgpt-browser install`: the cheapest way first, and no way twice."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser._browser.executables import FULL_BROWSERS, HEADLESS_SHELLS
from chatgpt_browser.cli.commands import install as install_module

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.cli.conftest import Invoke

install: Any = install_module


class Machine:
    """A machine that has some programs, and on which some commands fail."""

    def __init__(self, *, has: Sequence[str] = (), fails: Sequence[str] = ()) -> None:
        self.has, self.fails = has, fails
        self.ran: list[str] = []

    def which(self, name: str) -> str | None:
        return f"/usr/bin/{name}" if name in self.has else None

    def run(self, command: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        line = " ".join(command).replace(" ".join(install.PLAYWRIGHT), "playwright")
        self.ran.append(line)
        failed = any(part in line for part in self.fails)
        return subprocess.CompletedProcess(command, int(failed), None, "trace\nError: no such host\n")


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(machine: Machine, *, root: bool = True) -> Machine:
        monkeypatch.setattr("shutil.which", machine.which)
        monkeypatch.setattr("subprocess.run", machine.run)
        monkeypatch.setattr("os.geteuid", lambda: 0 if root else 1000)
        monkeypatch.setattr("sys.platform", "linux")
        return machine

    return put


def test_nothing_is_done_where_there_is_a_browser(invoke: Invoke, on: Any) -> None:
    machine = on(Machine(has=["chromium"]))
    result = invoke("install")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "/usr/bin/chromium" in result.stderr
    assert machine.ran == []


@pytest.mark.parametrize("name", HEADLESS_SHELLS + FULL_BROWSERS)
def test_install_with_any_browser_that_the_client_finds_installs_nothing(
    invoke: Invoke, on: Any, name: str
) -> None:
    machine = on(Machine(has=[name]))
    assert f"/usr/bin/{name}" in invoke("install").stderr
    assert machine.ran == []


def test_playwrights_own_is_tried_first(invoke: Invoke, on: Any) -> None:
    machine = on(Machine(has=["apt-get"]))
    assert invoke("install").exit_code == 0
    assert machine.ran == ["playwright install chromium", "playwright install-deps chromium"]


def test_systems_is_the_way_out_of_a_closed_network(invoke: Invoke, on: Any) -> None:
    machine = on(Machine(has=["apt-get"], fails=["playwright"]))
    result = invoke("install")
    assert result.exit_code == 0
    assert "that failed: Error: no such host" in result.stderr
    assert [line.partition("apt-get ")[2] for line in machine.ran[1:]] == [
        "install -y -q chromium chromium-headless-shell"
    ]


def test_list_of_packages_is_fetched_where_it_lacks(invoke: Invoke, on: Any) -> None:
    machine = on(Machine(has=["apt-get"], fails=["playwright", "apt-get install"]))
    assert invoke("install").exit_code == 8
    assert [line.split()[3] for line in machine.ran[1:]] == ["install", "update", "install"]


def test_sudo_is_used_where_it_takes_no_password(invoke: Invoke, on: Any) -> None:
    machine = on(Machine(has=["apt-get", "sudo"], fails=["playwright"]), root=False)
    assert invoke("install").exit_code == 0
    assert machine.ran[-1].startswith("sudo -n env ")


@pytest.mark.parametrize("fails", [["playwright", "sudo"], ["playwright"]])
def test_without_root_only_playwrights_is_tried(invoke: Invoke, on: Any, fails: list[str]) -> None:
    has = ["apt-get", "sudo"] if "sudo" in fails else ["apt-get"]
    machine = on(Machine(has=has, fails=fails), root=False)
    result = invoke("install")
    assert result.exit_code == 8
    assert "by your system's own means" in result.stderr
    assert not any("apt-get" in line for line in machine.ran)


def test_download_that_never_ends_is_given_up(
    invoke: Invoke, on: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(command: Sequence[str], **_: Any) -> None:
        raise subprocess.TimeoutExpired(command, 600)

    on(Machine())
    monkeypatch.setattr("subprocess.run", never)
    result = invoke("install")
    assert result.exit_code == 8
    assert "gave up after 600 seconds" in result.stderr
