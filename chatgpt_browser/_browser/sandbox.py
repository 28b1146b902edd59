"""Detection of whether Chromium's own sandbox is available."""

from __future__ import annotations

import os
from pathlib import Path

#: The sysctls that control what the sandbox uses, each with the value that forbids it.
_SYSCTLS = {
    "/proc/sys/kernel/unprivileged_userns_clone": "0",
    "/proc/sys/user/max_user_namespaces": "0",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
}
_SETUID_HELPERS = ("/usr/lib/chromium/chrome-sandbox", "/opt/google/chrome/chrome-sandbox")


def sandbox_refusal() -> str | None:
    """Return why the sandbox is not available here, or None if nothing is known to refuse it.

    Chromium itself reports refusals that no sysctl reveals, for example those of a seccomp profile.
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
