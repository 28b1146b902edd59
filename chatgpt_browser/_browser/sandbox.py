"""Detects whether Chromium's own sandbox is available."""

from __future__ import annotations

import os
from pathlib import Path

#: Maps each sysctl that can forbid user namespaces to the value that forbids them. The sandbox needs user namespaces.
_SYSCTLS = {
    "/proc/sys/kernel/unprivileged_userns_clone": "0",
    "/proc/sys/user/max_user_namespaces": "0",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
}
_SETUID_HELPERS = ("/usr/lib/chromium/chrome-sandbox", "/opt/google/chrome/chrome-sandbox")


def sandbox_refusal() -> str | None:
    """Return the reason why the sandbox is not available on this machine, or None if no reason is found.

    Even if the result is None, the kernel may refuse the sandbox. For example, the seccomp profile of a container may forbid user
    namespaces, and no sysctl shows this. Chromium reports such a refusal when it starts.
    """
    if getattr(os, "geteuid", lambda: 1)() == 0:
        return "the process runs as root, and Chromium refuses the sandbox to root"
    if any(Path(helper).exists() for helper in _SETUID_HELPERS):
        return None
    for sysctl, forbidding in _SYSCTLS.items():
        try:
            value = Path(sysctl).read_text().strip()
        except OSError:
            continue
        if value == forbidding:
            return f"the kernel refuses user namespaces ({sysctl} is {value})"
    return None
