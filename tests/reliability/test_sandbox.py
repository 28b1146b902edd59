"""Chromium's own sandbox: on unless something refuses it, and the log says which."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser._browser import sandbox as _sandbox
from chatgpt_browser._browser.launcher import SHELLS, WHOLE
from chatgpt_browser._browser.sandbox import sandbox_refusal
from tests.conftest import MARK
from tests.support.client_processes import Mark
from tests.support.scripted_site import can_send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.client_fixtures import Connect, Serve

SWITCHES = {name.rpartition("/")[2]: value for name, value in _sandbox._KERNEL_SWITCHES.items()}


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel whose switches are files of ours; a user who is not root; no helper that would do without."""
    moved = {str(tmp_path / name): value for name, value in SWITCHES.items()}
    monkeypatch.setattr(_sandbox, "_KERNEL_SWITCHES", moved)
    monkeypatch.setattr(_sandbox, "_SETUID_HELPERS", (str(tmp_path / "chrome-sandbox"),))
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    return tmp_path


def test_on_by_default(kernel: Path) -> None:
    assert sandbox_refusal() is None


def test_root_is_refused(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    assert "root" in str(sandbox_refusal())


def test_a_system_without_users(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "geteuid", raising=False)
    assert sandbox_refusal() is None


@pytest.mark.parametrize(("switch", "refusing"), SWITCHES.items())
def test_a_kernel_that_refuses(kernel: Path, switch: str, refusing: str) -> None:
    (kernel / switch).write_text(f"{refusing}\n")
    assert f"{switch} is {refusing}" in str(sandbox_refusal())

    (kernel / switch).write_text(f"{1 - int(refusing)}\n")
    assert sandbox_refusal() is None


def test_a_helper_does_what_the_kernel_refuses(kernel: Path) -> None:
    switch, refusing = next(iter(SWITCHES.items()))
    (kernel / switch).write_text(refusing)
    (kernel / "chrome-sandbox").touch()
    assert sandbox_refusal() is None


def test_what_the_log_says_is_what_chromium_is_told(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "chatgpt_browser")
    mark = Mark()
    connect(serve(), browser_args=[mark.argument]).start()

    refusal = sandbox_refusal()
    assert f"Chromium's sandbox is {'on' if refusal is None else f'off: {refusal}'}" in caplog.messages
    assert ("--no-sandbox" in mark.browser().cmdline()) is (refusal is not None)
    assert hasattr(os, "geteuid") and os.geteuid() == 0 or "root" not in str(refusal)


def test_a_kernel_that_refuses_without_a_switch(
    kernel: Path, serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """As a container's rules do: Chromium alone finds out, and is started once more without its sandbox."""
    caplog.set_level("INFO", "chatgpt_browser")
    chromium = next(filter(None, map(shutil.which, SHELLS + WHOLE)), None)
    if chromium is None:
        pytest.skip("there is no Chromium in PATH to stand in front of")
    strict = kernel / "chromium"
    refuse = "echo 'FATAL:zygote_host_impl_linux.cc(128)] No usable sandbox!' >&2; exit 1"
    strict.write_text(f'#!/bin/sh\ncase "$*" in *--no-sandbox*) exec {chromium} "$@";; *) {refuse};; esac\n')
    strict.chmod(0o700)

    assert can_send(connect(serve(), executable_path=strict))
    assert [message for message in caplog.messages if "sandbox" in message] == [
        "Chromium's sandbox is on",
        "Chromium's sandbox is off: the kernel refuses it, as Chromium has found out",
    ]


@pytest.fixture
def user_options() -> Iterator[dict[str, Any]]:
    """How to start a process of a user who is not root: whoever runs the tests, or else nobody."""
    # A short path: the name of a Unix socket has 108 characters at most.
    with tempfile.TemporaryDirectory(prefix="user-", dir="/tmp", ignore_cleanup_errors=True) as home:
        paths = [str(Path(__file__).parents[2]), *(path for path in sys.path if path.endswith("-packages"))]
        own = {"HOME": home, "TMPDIR": home, "PYTHONPATH": os.pathsep.join(paths), MARK: os.environ[MARK]}
        options = {"env": {"PATH": os.environ["PATH"], **own}, "cwd": home, "timeout": 50}
        if os.geteuid() == 0:
            import pwd

            nobody = pwd.getpwnam("nobody")
            os.chown(home, nobody.pw_uid, nobody.pw_gid)
            options |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        yield options


def interpreter_for(options: dict[str, Any]) -> str:
    """A Python like this one that the user may run, with the package at hand: the tests' own may be root's alone."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    candidates = (sys.executable, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}")
    runnable = next((each for each in candidates if has_the_package(each, options)), None)
    return runnable or pytest.skip(f"no Python {version} that another user than root may run")


def has_the_package(interpreter: str, options: dict[str, Any]) -> bool:
    trial = [interpreter, "-c", "import chatgpt_browser.testing, playwright.async_api"]
    try:
        return subprocess.run(trial, **options, capture_output=True, check=False).returncode == 0
    except OSError:  # it isn't there, or isn't for everybody
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_confines_the_renderers_of_a_user_who_is_not_root(user_options: dict[str, Any]) -> None:
    program = [interpreter_for(user_options), "-m", "tests.support.sandbox_program"]
    done = subprocess.run(program, **user_options, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)

    assert report["reply"] == 'You said: "Hello".'
    if report["log"] != ["Chromium's sandbox is on"]:
        assert report["log"][-1].startswith("Chromium's sandbox is off: the kernel refuses ")
        pytest.skip(report["log"][-1])
    assert report["renderers"]
    for renderer in report["renderers"]:
        for name, namespace in renderer["namespaces"].items():
            assert namespace != report["outside"][name], f"a renderer is in the {name} namespace of everybody"
        assert renderer["seccomp"] == 2, "no filter stands before the kernel"
