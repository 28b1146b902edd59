"""Chromium's own sandbox: it is on unless something refuses it, and the log contains the reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser._browser import sandbox
from chatgpt_browser._browser.executables import find_on_path
from chatgpt_browser._browser.sandbox import sandbox_refusal
from tests.conftest import MARK
from tests.support.client_processes import Mark
from tests.support.scripted_site import can_send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.client_fixtures import Connect, Serve

SYSCTLS = {name.rpartition("/")[2]: value for name, value in sandbox._SYSCTLS.items()}


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder whose files replace the sysctls, for a user who is not root and without a setuid helper."""
    replaced = {str(tmp_path / name): value for name, value in SYSCTLS.items()}
    monkeypatch.setattr(sandbox, "_SYSCTLS", replaced)
    monkeypatch.setattr(sandbox, "_SETUID_HELPERS", (str(tmp_path / "chrome-sandbox"),))
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    return tmp_path


def test_sandbox_by_default_is_not_refused(kernel: Path) -> None:
    assert sandbox_refusal() is None


def test_sandbox_for_root_is_refused(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    assert "root" in str(sandbox_refusal())


def test_sandbox_on_system_without_user_ids_is_not_refused(
    kernel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "geteuid", raising=False)
    assert sandbox_refusal() is None


@pytest.mark.parametrize(("sysctl", "forbidding"), SYSCTLS.items())
def test_sandbox_forbidden_by_sysctl_is_refused(kernel: Path, sysctl: str, forbidding: str) -> None:
    (kernel / sysctl).write_text(f"{forbidding}\n")
    assert f"{sysctl} is {forbidding}" in str(sandbox_refusal())

    (kernel / sysctl).write_text(f"{1 - int(forbidding)}\n")
    assert sandbox_refusal() is None


def test_sandbox_with_setuid_helper_is_not_refused(kernel: Path) -> None:
    sysctl, forbidding = next(iter(SYSCTLS.items()))
    (kernel / sysctl).write_text(forbidding)
    (kernel / "chrome-sandbox").touch()
    assert sandbox_refusal() is None


def test_sandbox_state_in_log_matches_chromium_arguments(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "chatgpt_browser")
    mark = Mark()
    connect(serve(), browser_args=[mark.argument]).start()

    refusal = sandbox_refusal()
    assert f"Chromium's sandbox is {'on' if refusal is None else f'off: {refusal}'}" in caplog.messages
    assert ("--no-sandbox" in mark.browser().cmdline()) is (refusal is not None)
    assert hasattr(os, "geteuid") and os.geteuid() == 0 or "root" not in str(refusal)


def test_sandbox_refusal_reported_by_chromium_is_logged_and_launch_repeated(
    kernel: Path, serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """For example a seccomp profile: only Chromium detects it, and is launched again without its sandbox."""
    caplog.set_level("INFO", "chatgpt_browser")
    chromium = find_on_path()
    if chromium is None:
        pytest.skip("no Chromium on the PATH that a script can wrap")
    strict = kernel / "chromium"
    refuse = "echo 'FATAL:zygote_host_impl_linux.cc(128)] No usable sandbox!' >&2; exit 1"
    strict.write_text(f'#!/bin/sh\ncase "$*" in *--no-sandbox*) exec {chromium} "$@";; *) {refuse};; esac\n')
    strict.chmod(0o700)

    assert can_send(connect(serve(), executable_path=strict))
    assert [message for message in caplog.messages if "sandbox" in message] == [
        "Chromium's sandbox is on",
        "Chromium's sandbox is off: the kernel refuses it, as Chromium has reported",
    ]


@pytest.fixture
def user_options() -> Iterator[dict[str, Any]]:
    """Yield arguments that start a process as a user who is not root: the current user, or the user nobody."""
    # A short path: the name of a Unix socket may have 108 characters at most.
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
    """Return a Python of this version that the user may run and that can import the package.

    The interpreter of the tests may be accessible to root only.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    candidates = (sys.executable, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}")
    runnable = next((each for each in candidates if can_import_package(each, options)), None)
    return runnable or pytest.skip(f"no Python {version} that a user other than root may run")


def can_import_package(interpreter: str, options: dict[str, Any]) -> bool:
    trial = [interpreter, "-c", "import chatgpt_browser.testing, playwright.async_api"]
    try:
        return subprocess.run(trial, **options, capture_output=True, check=False).returncode == 0
    except OSError:  # it does not exist, or the user may not run it
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_sandbox_of_non_root_user_isolates_renderers(user_options: dict[str, Any]) -> None:
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
            assert namespace != report["outside"][name], (
                f"a renderer is in the {name} namespace of its parent"
            )
        assert renderer["seccomp"] == 2, "the renderer has no seccomp filter"
