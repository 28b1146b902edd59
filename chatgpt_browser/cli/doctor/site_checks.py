"""What `doctor` sees through a browser: the browser itself, the way to the site, and the session there."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

from chatgpt_browser import APIConnectionError, APIStatusError, OriginError, RateLimitError

from ..output.milestones import CHALLENGE_PASSED, listening
from .checks import Check, Finding, Status, ok, problem, skipped, warning

if TYPE_CHECKING:
    from chatgpt_browser._browser.probe import Sighting

    from .context import Patient

#: Seconds by which a clock may differ. A site's Date is in whole seconds, and an answer takes its time.
CLOCK_SLACK = 30
#: From here on certificates and sessions seem to have ended, or not to have begun.
CLOCK_LIMIT = 600
SOON = timedelta(days=2)


class Trouble(NamedTuple):
    """Names of network errors, the stage of a request at which they end it, and what can be done."""

    errors: str
    stage: str
    remedy: str


STAGES = ("dns", "connection", "tls", "answer")
#: The first that fits counts.
TROUBLES = (
    Trouble("INTERNET_DISCONNECTED|NETWORK_CHANGED", "dns", "this machine has no network: see to that first"),
    Trouble(
        "NAME_|DNS_|ICANN_",
        "dns",
        "see this machine's network and name server, and the base URLs for a slip of the pen",
    ),
    Trouble(
        "PROXY_|TUNNEL_|MANDATORY_PROXY|SOCKS_|UNEXPECTED_PROXY|PAC_",
        "connection",
        "see the proxy that this machine is set to use: the variables https_proxy and no_proxy, or the desktop's settings",
    ),
    Trouble(
        "CERT_DATE_INVALID",
        "tls",
        "see this machine's clock; where that is right, the site's certificate has run out",
    ),
    Trouble(
        "CERT_AUTHORITY_INVALID",
        "tls",
        "something between here and the site shows a certificate of its own, such as an employer's proxy: have its authority "
        "put into this machine's store of certificates",
    ),
    Trouble(
        "CERT_|SSL_|BAD_SSL|ECH_",
        "tls",
        "see that the base URLs name the site itself, and what stands between here and there",
    ),
    Trouble(
        "CONNECTION_|ADDRESS_|TIMED_OUT|SOCKET_|NETWORK_|UNSAFE_PORT",
        "connection",
        "a firewall may be in the way, or the site down: see whether another browser here opens it",
    ),
)


def trouble_of(error: str) -> Trouble:
    """At which stage an error of the browser's ended a request, and what helps."""
    for trouble in TROUBLES:
        if re.match(f"ERR_(?:{trouble.errors})", error):
            return trouble
    return Trouble("", "answer", "see whether another browser here opens the site")


# ---- the browser -----------------------------------------------------------------------------------------------------


def browser(patient: Patient) -> Finding:
    found = patient.probe()
    kind = "headless shell" if found.is_shell else "with a window's code"
    owner = "Playwright's own" if found.is_playwrights else "the system's"
    return ok(
        f"{found.version}, {owner}, {kind}: {found.executable}",
        version=found.version,
        executable=str(found.executable),
        playwrights=found.is_playwrights,
        headless_shell=found.is_shell,
    )


def sandbox(patient: Patient) -> Finding:
    from chatgpt_browser._browser.sandbox import sandbox_refusal

    assert patient.browser is not None, "the browser comes first"
    if patient.browser.is_sandboxed:
        return ok("on", on=True)
    reason = sandbox_refusal() or "the browser was told so"
    remedy = (
        "run as an ordinary user, in a container too"
        if "root" in reason
        else "let the kernel grant user namespaces"
    )
    return warning(f"off: {reason}", remedy, on=False, reason=reason)


# ---- the way to the site ---------------------------------------------------------------------------------------------


def dns(patient: Patient) -> Finding:
    return _stage(patient, "dns", patient.look())


def connection(patient: Patient) -> Finding:
    return _stage(patient, "connection", _seen(patient))


def tls(patient: Patient) -> Finding:
    if patient.origin.startswith("http:"):
        return ok("none: plain http, on this machine alone", protocol=None)
    return _stage(patient, "tls", _seen(patient))


def answer(patient: Patient) -> Finding:
    """What the session endpoint answers to nobody: an empty session, or a challenge."""
    seen = _seen(patient)
    if seen.error:
        return _stage(patient, "answer", seen)

    said = f"{seen.status} {seen.status_text}".strip()
    facts = {"status": seen.status, **{name: seen.headers[name] for name in NAMED if name in seen.headers}}
    if seen.headers.get("cf-mitigated") == "challenge":
        return ok(f"{said}, with a challenge", **facts)
    if not seen.url.startswith(f"{patient.origin}/"):
        return _elsewhere(patient, seen)
    if seen.status == 429:
        return problem(
            RateLimitError(f"the site answers {said}"), "wait: nothing here may ask again", **facts
        )
    if seen.status in (401, 403):
        error = APIStatusError(
            f"the site answers {said}, without a challenge: it refuses this address or this browser"
        )
        return problem(
            error,
            "see whether another browser here opens the site; a VPN or a data centre may be refused",
            **facts,
        )
    if seen.status >= 400:
        remedy = "wait: the site has trouble of its own" if seen.status >= 500 else "see the base URLs"
        return problem(APIStatusError(f"the site answers {said}"), remedy, **facts)
    return ok(f"{said}{_within(seen, 'answer')}", **facts)


#: What a site's administrators ask for, and no secret.
NAMED = ("server", "cf-ray", "cf-mitigated", "retry-after")


def _seen(patient: Patient) -> Sighting:
    assert patient.sighting is not None, "dns comes first"
    return patient.sighting


def _stage(patient: Patient, stage: str, seen: Sighting) -> Finding:
    """Whether a request came past a stage."""
    trouble = trouble_of(seen.error)
    if seen.error and STAGES.index(trouble.stage) == STAGES.index(stage):
        return problem(
            APIConnectionError(f"{patient.origin}: {seen.error}"), trouble.remedy, error=seen.error
        )
    if seen.error:
        return ok("passed")
    told = {
        "dns": seen.address.partition(" port ")[0],
        "connection": seen.address,
        "tls": _certificate(seen),
    }
    return ok(f"{told[stage] or 'passed'}{_within(seen, stage)}", seconds=seen.timings.get(stage))


def _certificate(seen: Sighting) -> str:
    issuer, until = seen.tls.get("issuer"), seen.tls.get("validTo")
    parts = [seen.tls.get("protocol"), f"certificate by {issuer}" if issuer else None]
    if until:
        parts.append(f"until {datetime.fromtimestamp(until, timezone.utc):%Y-%m-%d}")
    return ", ".join(filter(None, parts))


def _within(seen: Sighting, stage: str) -> str:
    return f" ({seen.timings[stage] * 1000:.0f} ms)" if stage in seen.timings else ""


def _elsewhere(patient: Patient, seen: Sighting) -> Finding:
    from chatgpt_browser._core.urls import origin_of
    from chatgpt_browser._transport.browser_manager import moved_to

    place = origin_of(seen.url)
    if place == moved_to(patient.origin):
        return ok(f"the site has moved to {place}: the client goes along", moved_to=place)
    error = OriginError(f"{patient.origin} sends its visitors to {place}")
    return problem(
        error, "see the base URLs; a network's sign-in page may stand in the way: sign in there first"
    )


def clock(patient: Patient) -> Finding:
    """By how much this machine's clock differs from the site's."""
    seen = _seen(patient)
    try:
        theirs = parsedate_to_datetime(seen.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return skipped("the site's answer has no date")

    # Their second may be any of the time between the question and the answer.
    ahead = seen.began - theirs if seen.began > theirs else min(0.0, seen.ended - theirs)
    ahead = 0.0 if abs(ahead) < 1 else round(ahead, 1)
    if abs(ahead) <= CLOCK_SLACK:
        return ok(f"{abs(ahead):.0f} s from the site's", ahead_seconds=ahead)

    which = f"this machine's clock is {timedelta(seconds=round(abs(ahead)))} {'ahead of' if ahead > 0 else 'behind'} the site's"
    remedy = "set the clock, for example by switching network time on (timedatectl set-ntp true)"
    if abs(ahead) < CLOCK_LIMIT:
        return warning(which, remedy, ahead_seconds=ahead)
    return Finding(Status.PROBLEM, which, remedy, {"ahead_seconds": ahead}, 1)


# ---- the session -----------------------------------------------------------------------------------------------------


def challenge(patient: Patient) -> Finding:
    """Whether the client comes to the site, through whatever checks its visitors."""
    passed: list[str] = []

    def notice(event: str, message: str) -> None:
        if event == CHALLENGE_PASSED:
            passed.append(message)

    with listening(notice):
        patient.client().start()
    return ok(passed[-1] if passed else "none", challenged=bool(passed))


def session(patient: Patient) -> Finding:
    """Whose session it is, and until when."""
    found = patient.client().get_session()
    patient.remember_person(found.user)
    name, email = masked(found.user.name or ""), masked(found.user.email or "")
    who = ", ".join(filter(None, (name, email if email != name else ""))) or "alive"
    expires = found.expires
    facts = {"name": name, "email": email, "expires": expires.isoformat() if expires else None}
    if expires is None:
        return ok(who, **facts)

    until = f"{who}, until {expires:%Y-%m-%d %H:%M} UTC"
    if expires - datetime.now(timezone.utc) < SOON:
        return warning(until, "it ends soon: sign in again (`chatgpt-browser login`)", **facts)
    return ok(until, **facts)


def masked(text: str) -> str:
    """A text with each e-mail address in it down to the first letters of its two halves."""
    return re.sub(r"([\w.+-])[\w.+-]*@(\w)[\w-]*(?:\.[\w-]+)*?(\.\w+)?(?![\w.-])", r"\1***@\2***\3", text)


CHECKS: tuple[Check[Patient], ...] = (
    Check("browser", browser),
    Check("sandbox", sandbox, ("browser",)),
    Check("dns", dns, ("browser",)),
    Check("connection", connection, ("dns",)),
    Check("tls", tls, ("connection",)),
    Check("answer", answer, ("tls",)),
    Check("clock", clock, ("answer",)),
    Check("challenge", challenge, ("token", "answer")),
    Check("session", session, ("challenge",)),
)
