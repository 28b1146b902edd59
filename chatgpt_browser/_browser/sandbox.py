"""Whether Chromium's own sandbox can be had: it is on unless something refuses it."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["sandbox_refusal"]

#: The kernel's switches for what the sandbox is made of, and which of their values forbids it.
_KERNEL_SWITCHES = {
    "/proc/sys/kernel/unprivileged_userns_clone": "0",
    "/proc/sys/user/max_user_namespaces": "0",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
}
_SETUID_HELPERS = ("/usr/lib/chromium/chrome-sandbox", "/opt/google/chrome/chrome-sandbox")


def sandbox_refusal() -> str | None:
    """Why it can't be had here, or None where nothing is known to refuse it. What has no switch, Chromium finds out itself."""
    if getattr(os, "geteuid", lambda: 1)() == 0:
        return "the process is root, and Chromium refuses it to root"
    if any(Path(helper).exists() for helper in _SETUID_HELPERS):
        return None
    for switch, refusing in _KERNEL_SWITCHES.items():
        try:
            value = Path(switch).read_text().strip()
        except OSError:
            continue
        if value == refusing:
            return f"the kernel refuses user namespaces ({switch} is {value})"
    return None
