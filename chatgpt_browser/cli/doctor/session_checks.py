"""The checks of the session: whether the client passes the site's challenge, and which user owns the session."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from ..output.milestones import CHALLENGE_PASSED, milestone_callback
from ..repetition import describe_repetition
from .checks import Check, Finding, ok, warning
from .context import CheckContext

#: The name and the e-mail address of the user are each cut to this number of characters.
_MAX_LABEL = 200
#: The check returns a warning if the session expires within this time.
EXPIRES_SOON = timedelta(days=2)


def challenge(context: CheckContext) -> Finding:
    """Start the client, which passes the site's challenge. Report whether there was a challenge."""
    passed: list[str] = []

    def on_milestone(event: str, message: str) -> None:
        if event == CHALLENGE_PASSED:
            passed.append(message)

    with milestone_callback(on_milestone):
        context.client().start()
    return ok(passed[-1] if passed else "none", challenged=bool(passed))


def repetition(context: CheckContext) -> Finding:
    """Report whether Chromium may repeat a request by itself, which would send a message twice."""
    summary, may_repeat = describe_repetition(context.client(), context.options.send_via)
    return ok(summary, may_repeat=may_repeat)


def session(context: CheckContext) -> Finding:
    """Report the user's name, the masked e-mail address, and the expiry date of the session."""
    found = context.client().get_session()
    context.remember_user(found.user)
    name, email = mask_emails(found.user.name or ""), mask_emails(found.user.email or "")
    user = ", ".join(filter(None, (name, email if email != name else ""))) or "valid"
    expires = found.expires
    facts = {"name": name, "email": email, "expires": expires.isoformat() if expires else None}
    if expires is None:
        return ok(user, **facts)

    summary = f"{user}, until {expires:%Y-%m-%d %H:%M} UTC"
    if expires - datetime.now(timezone.utc) < EXPIRES_SOON:
        return warning(summary, "the session expires soon: sign in again (`chatgpt-browser login`)", **facts)
    return ok(summary, **facts)


def mask_emails(text: str) -> str:
    """Return the text with masked e-mail addresses, such as `a***@e***.com` for `ada@example.com`."""
    return re.sub(
        r"(?<![\w.+-])([\w.+-])[\w.+-]*@(\w)[\w-]*(?:\.[\w-]+)*?(\.\w+)?(?![\w.-])",
        r"\1***@\2***\3",
        text[:_MAX_LABEL],
    )


CHECKS: tuple[Check[CheckContext], ...] = (
    Check("challenge", challenge, ("token", "answer")),
    Check("repetition", repetition, ("challenge",)),
    Check("session", session, ("challenge",)),
)
