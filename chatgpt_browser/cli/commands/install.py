"""`chatgpt-browser install`: see that there is a Chromium, by the cheapest way that works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import typer

from chatgpt_browser._browser.executables import find_on_path

from ..output.consoles import err

PLAYWRIGHT = (sys.executable, "-m", "playwright")
APT_GET = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get")
SECONDS = 600
FAILED = 8


def install() -> None:
    """See that there is a Chromium: one that is here, else Playwright's own build, else the system's.

    [dim]Examples:[/dim]

    chatgpt-browser install
    """
    if path := installed_browser():
        say(f"{path} will do: nothing to install")
    elif install_playwrights() or install_systems():
        say("there is a Chromium now")
    else:
        say("no Chromium could be installed: install Chromium or Google Chrome by your system's own means")
        raise typer.Exit(FAILED)


def installed_browser() -> str | None:
    """Give the path of a Chromium that the client would find."""
    return find_on_path()


def install_playwrights() -> bool:
    """Download Playwright's own Chromium; where we may, the system's libraries that it needs as well."""
    say("trying Playwright's own Chromium")
    if not succeeds(*PLAYWRIGHT, "install", "chromium"):
        return False

    root = root_prefix()
    if sys.platform == "linux" and root is not None:
        say("installing the libraries that it needs")
        succeeds(*root, *PLAYWRIGHT, "install-deps", "chromium")

    return True


def install_systems() -> bool:
    """Install the system's Chromium by apt-get, where there is one and we may."""
    root = root_prefix()
    if root is None or shutil.which("apt-get") is None:
        return False

    say("trying the system's Chromium, by apt-get")
    packages = ("install", "-y", "-q", "chromium", "chromium-headless-shell")
    # A fresh container has no list of packages yet.
    return succeeds(*root, *APT_GET, *packages) or (
        succeeds(*root, *APT_GET, "update", "-q") and succeeds(*root, *APT_GET, *packages)
    )


def root_prefix() -> tuple[str, ...] | None:
    """Give what to put before a command that needs root, or None where that would take a password."""
    if sys.platform == "win32":
        return None
    if os.geteuid() == 0:
        return ()

    may = (
        shutil.which("sudo")
        and subprocess.run(("sudo", "-n", "true"), stderr=subprocess.DEVNULL).returncode == 0
    )
    return ("sudo", "-n") if may else None


def succeeds(*command: str) -> bool:
    """Run a command with its output on standard error; of its complaints, show the last line."""
    try:
        done = subprocess.run(command, stdout=2, stderr=subprocess.PIPE, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        say(f"gave up after {SECONDS} seconds")
        return False

    if done.returncode:
        complaints = done.stderr.strip().splitlines()
        say(f"that failed: {next((line for line in complaints if 'rror' in line), done.returncode)}")

    return done.returncode == 0


def say(text: str) -> None:
    err.print(text, markup=False, soft_wrap=True)
