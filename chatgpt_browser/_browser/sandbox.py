"""Detection of whether Chromium's own sandbox is available."""

from __future__ import annotations

import os
from pathlib import Path

#: The sysctls that can forbid the user namespaces which the sandbox needs, each with the forbidding value.
_SYSCTLS = {
    "/proc/sys/kernel/unprivileged_userns_clone": "0",
    "/proc/sys/user/max_user_namespaces": "0",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
}
_SETUID_HELPERS = ("/usr/lib/chromium/chrome-sandbox", "/opt/google/chrome/chrome-sandbox")


def sandbox_refusal() -> str | None:
    """Return the reason why the sandbox is not available on this machine; None if no reason is found.

    The sandbox may still be refused, for example by a seccomp profile, which no sysctl shows. Chromium reports such a refusal.
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
