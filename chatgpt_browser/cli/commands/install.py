"""`chatgpt-browser install`: find Chromium, or install Playwright's build, or else the system package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import typer

from chatgpt_browser._browser.child_environment import child_environment
from chatgpt_browser._browser.executables import find_on_path

from ..output.consoles import print_note

PLAYWRIGHT = (sys.executable, "-m", "playwright")
APT_GET = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get")
#: The maximum duration of one external command, in seconds.
COMMAND_TIMEOUT = 600
#: The exit code if no browser could be installed.
NO_BROWSER = 8


def install() -> None:
    """Find Chromium, or install it: Playwright's build, or else the system package.

    Examples:

    chatgpt-browser install
    """
    if path := find_on_path():
        print_note(f"found {path}: nothing to install")
    elif install_playwright_build() or install_system_package():
        print_note("Chromium is installed")
    else:
        print_note("no Chromium: install Chromium or Chrome with your system's package manager")
        raise typer.Exit(NO_BROWSER)


def install_playwright_build() -> bool:
    """Download Playwright's build of Chromium. Return whether the download succeeded.

    On Linux, if root rights are available, also install the system libraries that this build needs.
    """
    print_note("downloading Playwright's build of Chromium")
    if not succeeds(*PLAYWRIGHT, "install", "chromium"):
        return False

    root = root_prefix()
    if sys.platform == "linux" and root is not None:
        print_note("installing the system libraries that it needs")
        succeeds(*root, *PLAYWRIGHT, "install-deps", "chromium")

    return True


def install_system_package() -> bool:
    """Install the system's Chromium with apt-get. Return whether the installation succeeded.

    Return False if apt-get or root rights are not available.
    """
    root = root_prefix()
    if root is None or shutil.which("apt-get") is None:
        return False

    print_note("installing the system's Chromium with apt-get")
    packages = ("install", "-y", "-q", "chromium", "chromium-headless-shell")
    # In a new container, the first attempt fails because there are no package lists. So update the lists and try again.
    return succeeds(*root, *APT_GET, *packages) or (
        succeeds(*root, *APT_GET, "update", "-q") and succeeds(*root, *APT_GET, *packages)
    )


def root_prefix() -> tuple[str, ...] | None:
    """Return the words that make a command run as root: no words if this process is root, otherwise a call of sudo.

    Return None if root rights are not available.
    """
    if sys.platform == "win32":
        return None
    if os.geteuid() == 0:
        return ()

    can_sudo = (
        shutil.which("sudo")
        and subprocess.run(
            ("sudo", "-n", "true"), stderr=subprocess.DEVNULL, env=child_environment()
        ).returncode
        == 0
    )
    return ("sudo", "-n") if can_sudo else None


def succeeds(*command: str) -> bool:
    """Run a command with its output on standard error. Return whether it succeeded. If it failed, print its first error line."""
    try:
        done = subprocess.run(
            command,
            stdout=2,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=COMMAND_TIMEOUT,
            env=child_environment(),
        )
    except subprocess.TimeoutExpired:
        print_note(f"stopped after {COMMAND_TIMEOUT} seconds")
        return False

    if done.returncode:
        lines = done.stderr.strip().splitlines()
        print_note(f"that failed: {next((line for line in lines if 'rror' in line), done.returncode)}")

    return done.returncode == 0
