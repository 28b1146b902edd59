"""The checks of the network: DNS, connection, TLS, response and clock.

The DNS check navigates to the session endpoint. The other checks read the result of this visit.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from chatgpt_browser import APIConnectionError, APIStatusError, OriginError, RateLimitError

from .checks import Check, Finding, Status, ok, problem, skipped, warning
from .context import CheckContext
from .network_errors import STAGES, classify_network_error

if TYPE_CHECKING:
    from chatgpt_browser._browser.probe import Sighting

#: A clock difference of up to this many seconds is accepted, because the Date header contains only whole seconds, and because the
#: response takes time.
CLOCK_TOLERANCE = 30
#: A clock difference of at least this many seconds is a problem: certificates and sessions may appear expired or not yet valid.
CLOCK_LIMIT = 600
#: The response headers that the report contains. Their values are not secret. With these values, the site's administrators can
#: find the request.
REPORTED_HEADERS = ("server", "cf-ray", "cf-mitigated", "retry-after")


def dns(context: CheckContext) -> Finding:
    """Open the session endpoint, and check that DNS resolved the site's host name."""
    return _stage_finding(context, "dns", context.visit_session_endpoint())


def connection(context: CheckContext) -> Finding:
    """Check that the connection was established."""
    return _stage_finding(context, "connection", _visit(context))


def tls(context: CheckContext) -> Finding:
    """Check that the TLS handshake succeeded, and report the certificate."""
    if context.origin.startswith("http:"):
        return ok("none: plain http, which is allowed for this machine only", protocol=None)
    return _stage_finding(context, "tls", _visit(context))


def answer(context: CheckContext) -> Finding:
    """Check the response to the visit. The visit sends no session, so the response should be an empty session or a challenge."""
    visit = _visit(context)
    if visit.error:
        return _stage_finding(context, "answer", visit)

    status = f"{visit.status} {visit.status_text}".strip()
    headers = {name: visit.headers[name] for name in REPORTED_HEADERS if name in visit.headers}
    facts = {"status": visit.status, **headers}
    if visit.headers.get("cf-mitigated") == "challenge":
        return ok(f"{status}, with a challenge", **facts)
    if not visit.url.startswith(f"{context.origin}/"):
        return _redirect_finding(context, visit)
    if visit.status >= 400:
        return _status_finding(visit.status, f"the site responded {status}", facts)
    return ok(f"{status}{_duration(visit, 'answer')}", **facts)


def _status_finding(code: int, text: str, facts: dict[str, Any]) -> Finding:
    """Return a problem for an HTTP error status, with a remedy that depends on the status."""
    if code == 429:
        return problem(RateLimitError(text), "wait before the next request", **facts)
    if code in (401, 403):
        error = APIStatusError(f"{text} without a challenge: it refuses this IP address or this browser")
        remedy = "check whether another browser here opens the site; it may refuse VPNs and data centres"
        return problem(error, remedy, **facts)
    remedy = "wait: the site has a server error" if code >= 500 else "check the base URLs"
    return problem(APIStatusError(text), remedy, **facts)


def _visit(context: CheckContext) -> Sighting:
    assert context.session_visit is not None, "the DNS check must run first"
    return context.session_visit


def _stage_finding(context: CheckContext, stage: str, visit: Sighting) -> Finding:
    """Return a problem if the visit failed at this stage, otherwise OK with the details of the stage."""
    group = classify_network_error(visit.error)
    if visit.error and STAGES.index(group.stage) == STAGES.index(stage):
        error = APIConnectionError(f"{context.origin}: {visit.error}")
        return problem(error, group.remedy, error=visit.error)
    if visit.error:
        return ok("passed")
    details = {
        "dns": visit.address.partition(" port ")[0],
        "connection": visit.address,
        "tls": _certificate(visit),
    }
    return ok(f"{details[stage] or 'passed'}{_duration(visit, stage)}", seconds=visit.timings.get(stage))


def _certificate(visit: Sighting) -> str:
    issuer, until = visit.tls.get("issuer"), visit.tls.get("validTo")
    parts = [visit.tls.get("protocol"), f"certificate by {issuer}" if issuer else None]
    if until:
        parts.append(f"until {datetime.fromtimestamp(until, timezone.utc):%Y-%m-%d}")
    return ", ".join(filter(None, parts))


def _duration(visit: Sighting, stage: str) -> str:
    return f" ({visit.timings[stage] * 1000:.0f} ms)" if stage in visit.timings else ""


def _redirect_finding(context: CheckContext, visit: Sighting) -> Finding:
    """Return OK if the response is a redirect to the address to which the site has moved. Otherwise return a problem."""
    from chatgpt_browser._core.urls import origin_of
    from chatgpt_browser._transport.browser_manager import moved_to

    target = origin_of(visit.url)
    if target == moved_to(context.origin):
        return ok(f"the site has moved to {target}, and the client follows", moved_to=target)
    error = OriginError(f"{context.origin} redirects to {target}")
    return problem(error, "check the base URLs; if a network's sign-in page redirects, sign in there first")


def clock(context: CheckContext) -> Finding:
    """Compare this machine's clock with the Date header of the response."""
    visit = _visit(context)
    try:
        site_time = parsedate_to_datetime(visit.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return skipped("the response has no Date header")

    # The site set the header between the start of the request and the end of the response. If the header's time is between these
    # two times of this machine's clock, the difference counts as 0.
    ahead = visit.began - site_time if visit.began > site_time else min(0.0, visit.ended - site_time)
    ahead = 0.0 if abs(ahead) < 1 else round(ahead, 1)
    if abs(ahead) <= CLOCK_TOLERANCE:
        return ok(f"{abs(ahead):.0f} s difference from the site's clock", ahead_seconds=ahead)

    direction = "ahead of" if ahead > 0 else "behind"
    summary = f"this machine's clock is {timedelta(seconds=round(abs(ahead)))} {direction} the site's"
    remedy = "set the clock, for example by network time (timedatectl set-ntp true)"
    if abs(ahead) < CLOCK_LIMIT:
        return warning(summary, remedy, ahead_seconds=ahead)
    return Finding(Status.PROBLEM, summary, remedy, {"ahead_seconds": ahead}, 1)


CHECKS: tuple[Check[CheckContext], ...] = (
    Check("dns", dns, ("browser",)),
    Check("connection", connection, ("dns",)),
    Check("tls", tls, ("connection",)),
    Check("answer", answer, ("tls",)),
    Check("clock", clock, ("answer",)),
)
