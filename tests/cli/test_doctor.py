"""`chatgpt-browser doctor`: its findings and remedies, and that its output contains no secrets."""

from __future__ import annotations

import json
import re
import sys
from email.utils import formatdate
from time import time
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    APIConnectionError,
    BrowserCrashedError,
    BrowserLaunchError,
    BrowserNotFoundError,
    ChallengeError,
    ChatGPTError,
)
from chatgpt_browser._browser.probe import Probe, Sighting
from chatgpt_browser._client.base_client import default_options
from chatgpt_browser._client.portal import Portal
from chatgpt_browser.cli.doctor import machine_checks, network_checks
from chatgpt_browser.cli.doctor.checks import Check, Finding, Status, exit_code, ok, problem, run_checks
from chatgpt_browser.cli.doctor.command import CHECKS
from chatgpt_browser.cli.doctor.context import CheckContext
from chatgpt_browser.cli.doctor.network_errors import classify_network_error
from chatgpt_browser.cli.doctor.session_checks import mask_emails
from chatgpt_browser.testing import Answer, FakeChatGPT
from tests.support.secret_search import assert_none_in, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cli_fixtures import Invoke

NAMES = [check.name for check in CHECKS]


@pytest.fixture(autouse=True)
def empty_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHATGPT_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


# ---- the command, with a browser -------------------------------------------------------------------------------------


def test_doctor_valid_session_is_ok_without_secrets(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    result = invoke("doctor", "--json")

    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["ok"], report["exit_code"]) == (True, 0)
    checks = {check["name"]: check for check in report["checks"]}
    assert list(checks) == NAMES
    assert {check["status"] for check in checks.values()} <= {"ok", "warning"}
    assert re.match(r"Chromium \d+", checks["browser"]["facts"]["version"])
    assert checks["connection"]["summary"].startswith(f"127.0.0.1 port {signed_in.port}")
    assert checks["answer"]["facts"]["status"] == 200
    assert abs(checks["clock"]["facts"]["ahead_seconds"]) <= 2
    assert checks["repetition"]["summary"] == "Chromium sends no message twice (HTTP/1.1)"
    session = checks["session"]["facts"]
    assert (session["name"], session["email"]) == ("Ada Example", "a***@e***.com")
    assert_none_in(result.output, secrets=secrets_of(signed_in))
    assert "ada@example.com" not in result.output


def test_doctor_problem_has_line_remedy_and_exit_code(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    signed_in.session_answer = "signed_out"

    result = invoke("doctor")

    assert result.exit_code == 4
    assert re.findall(r"^[✓!✗–]  (\w+) ", result.stdout, re.MULTILINE) == NAMES
    assert re.search(r"^✗ +session +.*session token may have expired", result.stdout, re.MULTILINE)
    assert "→ sign in again: `chatgpt-browser login`" in result.stdout
    assert re.search(r"^1 problem", result.stdout, re.MULTILINE)


def test_doctor_invalid_base_url_exits_2(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATGPT_API_BASE_URL", "nowhere")

    result = invoke("doctor")

    assert result.exit_code == 2
    assert "api_base_url" in result.stderr


def test_doctor_unsolved_challenge_is_a_problem(signed_in: FakeChatGPT) -> None:
    signed_in.strike_challenge("person")

    with CheckContext(challenge_timeout=300) as context:
        findings = {result.name: result.finding for result in run_checks(CHECKS, context, lambda _: None)}

    assert findings["answer"].status is Status.OK
    assert findings["answer"].facts["cf-mitigated"] == "challenge"
    assert (findings["challenge"].status, findings["challenge"].exit_code) == (Status.PROBLEM, 5)
    assert "login" in findings["challenge"].remedy
    assert findings["session"] == Finding(Status.SKIPPED, "requires challenge")


# ---- network checks, with one browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site() -> Iterator[FakeChatGPT]:
    with FakeChatGPT() as server:
        yield server


@pytest.fixture(scope="module")
def probe(site: FakeChatGPT) -> Iterator[Any]:
    """Return a function that visits a URL with a shared browser."""
    portal = Portal()
    base_urls = {"api_base_url": site.api_base_url, "backend_api_base_url": site.backend_api_base_url}
    started = portal.call(Probe.start, default_options(**base_urls, first_byte_timeout=2_000))
    yield lambda url: portal.call(started.look, url)
    portal.close(started.close)


@pytest.fixture
def site_context(site: FakeChatGPT, monkeypatch: pytest.MonkeyPatch) -> CheckContext:
    """Return a context with the base URLs of the site; the test provides the visit."""
    monkeypatch.setenv("CHATGPT_API_BASE_URL", site.api_base_url)
    monkeypatch.setenv("CHATGPT_BACKEND_API_BASE_URL", site.backend_api_base_url)
    return CheckContext()


def network_findings(context: CheckContext, visit: Sighting) -> dict[str, Finding]:
    """Run the network checks on a visit; return their findings by name."""
    context.session_visit = visit
    context.visit_session_endpoint = lambda: visit  # type: ignore[method-assign]
    checks = [Check("dns", network_checks.dns), *network_checks.CHECKS[1:]]
    return {result.name: result.finding for result in run_checks(checks, context, lambda _: None)}


@pytest.mark.parametrize(
    ("step", "code", "words"),
    [
        (Answer(503, "down"), 10, "the site responded 503"),
        (Answer(429, {}), 6, "the site responded 429"),
        (Answer(403, {"detail": "no"}), 10, "refuses this IP address"),
        (Answer(404, ""), 10, "the site responded 404"),
        (Answer(302, headers=[("location", "http://localhost:1/")]), 12, "ERR_"),
    ],
    ids=["503", "429", "403", "404", "redirect to an unreachable origin"],
)
def test_answer_check_error_response_is_a_problem(
    probe: Any, site: FakeChatGPT, site_context: CheckContext, step: Answer, code: int, words: str
) -> None:
    site.script_session(step)

    findings = network_findings(site_context, probe(f"{site.api_base_url}/auth/session"))

    [found] = [finding for finding in findings.values() if finding.status is Status.PROBLEM]
    assert words in found.summary
    assert found.exit_code == code
    assert found.remedy
    assert findings["clock"].status is Status.SKIPPED


@pytest.mark.parametrize(
    ("seconds", "status", "words"),
    [
        (0, Status.OK, "0 s difference from the site's clock"),
        (-20, Status.OK, "s difference from the site's clock"),
        (+300, Status.WARNING, "ahead of the site's"),
        (-86_400, Status.PROBLEM, "behind the site's"),
    ],
)
def test_clock_check_compares_with_date_header(
    probe: Any, site: FakeChatGPT, site_context: CheckContext, seconds: int, status: Status, words: str
) -> None:
    site_time = formatdate(time() - seconds, usegmt=True)
    site.script_session(Answer(200, {}, headers=[("date", site_time)]))

    found = network_findings(site_context, probe(f"{site.api_base_url}/auth/session"))["clock"]

    assert found.status is status
    assert words in found.summary
    assert found.facts["ahead_seconds"] == pytest.approx(seconds, abs=3)


def test_answer_check_redirect_to_other_origin_is_a_problem(
    probe: Any, site: FakeChatGPT, site_context: CheckContext
) -> None:
    other_origin = f"http://localhost:{site.port}"
    site.script_session(Answer(302, headers=[("location", f"{other_origin}/sign-in")]))

    found = network_findings(site_context, probe(f"{site.api_base_url}/auth/session"))["answer"]

    assert (found.status, found.exit_code) == (Status.PROBLEM, 11)
    assert other_origin in found.summary


def test_network_checks_failure_is_reported_at_its_stage(probe: Any, site_context: CheckContext) -> None:
    with FakeChatGPT(tls=True) as untrusted:
        visit = probe(f"{untrusted.api_base_url}/auth/session")
        site_context.origin = untrusted.origin
        certificate = network_findings(site_context, visit)
    refused = network_findings(site_context, probe(f"{untrusted.api_base_url}/auth/session"))

    assert certificate["tls"].facts["error"] == "ERR_CERT_AUTHORITY_INVALID"
    assert certificate["connection"].status is Status.OK
    assert certificate["answer"].status is Status.SKIPPED
    assert refused["connection"].facts["error"] == "ERR_CONNECTION_REFUSED"
    assert refused["tls"] == Finding(Status.SKIPPED, "requires connection")
    assert {certificate["tls"].exit_code, refused["connection"].exit_code} == {12}


# ---- machine checks, without a browser -------------------------------------------------------------------------------


def test_token_and_display_checks_depend_on_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    signed_out = CheckContext()

    assert machine_checks.token(signed_out).exit_code == 3
    assert machine_checks.display(signed_out).status is Status.WARNING

    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "x" * 5000)
    with_token = CheckContext()

    assert (
        machine_checks.token(with_token).summary == "from CHATGPT_SESSION_TOKEN: 5000 characters, 2 cookies"
    )
    assert machine_checks.display(with_token).status is Status.OK
    assert "xxx" not in repr(with_token)

    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "two words")
    monkeypatch.setenv("DISPLAY", ":7")

    assert machine_checks.token(CheckContext()).exit_code == 3
    assert machine_checks.display(CheckContext()).facts == {"display": ":7"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows uses access control lists")
def test_store_check_readable_by_others_is_a_warning(empty_data_folder: Path) -> None:
    assert (
        machine_checks.data_folder(CheckContext()).summary == f"nothing is saved yet in {empty_data_folder}"
    )

    CheckContext().data_folder.save_session_token("https://chat.openai.com", "a-token")
    (empty_data_folder / "SingletonLock").symlink_to("nowhere")

    assert machine_checks.data_folder(CheckContext()).status is Status.OK
    assert machine_checks.token(CheckContext()).facts["source"] == "login"

    (empty_data_folder / "session.json").chmod(0o640)
    found = machine_checks.data_folder(CheckContext())

    assert found.status is Status.WARNING
    assert found.facts["open_to_others"] == [str(empty_data_folder / "session.json")]
    assert found.remedy == f"chmod -R go-rwx '{empty_data_folder}'"


# ---- functions without input and output ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        ("ERR_NAME_NOT_RESOLVED", "dns"),
        ("ERR_INTERNET_DISCONNECTED", "dns"),
        ("ERR_PROXY_CONNECTION_FAILED", "connection"),
        ("ERR_TUNNEL_CONNECTION_FAILED", "connection"),
        ("ERR_CONNECTION_TIMED_OUT", "connection"),
        ("ERR_TIMED_OUT", "connection"),
        ("ERR_CERT_DATE_INVALID", "tls"),
        ("ERR_SSL_PROTOCOL_ERROR", "tls"),
        ("ERR_EMPTY_RESPONSE", "answer"),
        ("Navigation was interrupted", "answer"),
    ],
)
def test_classify_network_error_returns_stage_and_remedy(error: str, stage: str) -> None:
    group = classify_network_error(error)
    assert group.stage == stage
    assert group.remedy


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ada@example.com", "a***@e***.com"),
        ("Ada Lovelace", "Ada Lovelace"),
        ("ada.l+x@mail.example.co.uk", "a***@m***.uk"),
        ("write to a@b.io or cd@ef.gh", "write to a***@b***.io or c***@e***.gh"),
        ("root@localhost", "r***@l***"),
        ("", ""),
    ],
)
def test_mask_emails_hides_each_address(text: str, shown: str) -> None:
    assert mask_emails(text) == shown


def test_run_checks_skips_checks_with_failed_requirements() -> None:
    def broken(_: None) -> Finding:
        raise APIConnectionError("no network")

    checks = [
        Check[None]("first", lambda _: ok("fine")),
        Check[None]("second", broken, ("first",)),
        Check[None]("third", lambda _: ok("never"), ("second",)),
        Check[None]("fourth", lambda _: ok("never"), ("first", "third")),
        Check[None]("fifth", lambda _: problem(ChatGPTError("another"))),
    ]
    started = list[str]()

    results = list(run_checks(checks, None, started.append))

    assert started == [result.name for result in results] == ["first", "second", "third", "fourth", "fifth"]
    assert [result.finding.status.value for result in results] == [
        "ok",
        "problem",
        "skipped",
        "skipped",
        "problem",
    ]
    assert [result.finding.summary for result in results][1:4] == ["no network", *["requires second"] * 2]
    assert exit_code(results) == 12
    assert exit_code(results[:1]) == 0


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BrowserNotFoundError("none"), "chatgpt-browser install"),
        (BrowserLaunchError("no"), "profile"),
        (BrowserCrashedError("gone"), "doctor -vv"),
        (ChallengeError("a check"), "chatgpt-browser login"),
    ],
)
def test_problem_error_has_default_remedy(error: ChatGPTError, words: str) -> None:
    assert words in problem(error).remedy
