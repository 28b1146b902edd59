"""The checks of the browser: whether the browser starts, and whether its sandbox is on."""

from __future__ import annotations

from .checks import Check, Finding, ok, warning
from .context import CheckContext


def browser(context: CheckContext) -> Finding:
    """Start a browser and report its version and path."""
    found = context.start_browser()
    kind = "headless shell" if found.is_shell else "full browser"
    owner = "Playwright's build" if found.is_playwrights else "installed on the system"
    return ok(
        f"{found.version}, {owner}, {kind}: {found.executable}",
        version=found.version,
        executable=str(found.executable),
        playwrights=found.is_playwrights,
        headless_shell=found.is_shell,
    )


def sandbox(context: CheckContext) -> Finding:
    """Report whether Chromium's sandbox is on, and the reason if it is off."""
    from chatgpt_browser._browser.sandbox import sandbox_refusal

    assert context.browser is not None, "the browser check must run first"
    if context.browser.is_sandboxed:
        return ok("on", on=True)
    reason = sandbox_refusal() or "a browser argument switches it off"
    remedy = (
        "run as a user other than root, also in a container"
        if "root" in reason
        else "allow unprivileged user namespaces in the kernel"
    )
    return warning(f"off: {reason}", remedy, on=False, reason=reason)


CHECKS: tuple[Check[CheckContext], ...] = (
    Check("browser", browser),
    Check("sandbox", sandbox, ("browser",)),
)
