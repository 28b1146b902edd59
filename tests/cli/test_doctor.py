"""`chatgpt-browser doctor`: what it finds, what it advises, and that it tells no secret."""

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
from chatgpt_browser.cli.doctor import machine_checks as doctor_here
from chatgpt_browser.cli.doctor import site_checks as doctor_site
from chatgpt_browser.cli.doctor.checks import Check, Finding, Status, examine, exit_code, ok, problem
from chatgpt_browser.cli.doctor.command import CHECKS
from chatgpt_browser.cli.doctor.context import Patient
from chatgpt_browser.testing import Answer, FakeChatGPT
from tests.support.secret_search import assert_none_in, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Invoke

NAMES = [check.name for check in CHECKS]


@pytest.fixture(autouse=True)
def no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHATGPT_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


# ---- the whole way, through a browser --------------------------------------------------------------------------------


def test_all_is_well_and_nothing_secret_is_told(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    result = invoke("doctor", "--json")

    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["ok"], told["exit_code"]) == (True, 0)
    checks = {check["name"]: check for check in told["checks"]}
    assert list(checks) == NAMES
    assert {check["status"] for check in checks.values()} <= {"ok", "warning"}
    assert re.match(r"Chromium \d+", checks["browser"]["facts"]["version"])
    assert checks["connection"]["summary"].startswith(f"127.0.0.1 port {signed_in.port}")
    assert checks["answer"]["facts"]["status"] == 200
    assert abs(checks["clock"]["facts"]["ahead_seconds"]) <= 2
    session = checks["session"]["facts"]
    assert (session["name"], session["email"]) == ("Ada Example", "a***@e***.com")
    assert_none_in(result.output, secrets=secrets_of(signed_in))
    assert "ada@example.com" not in result.output


def test_each_problem_has_its_line_its_remedy_and_its_exit_code(
    invoke: Invoke, signed_in: FakeChatGPT
) -> None:
    signed_in.session_answer = "signed_out"

    result = invoke("doctor")

    assert result.exit_code == 4
    assert re.findall(r"^[✓!✗–]  (\w+) ", result.stdout, re.MULTILINE) == NAMES
    assert re.search(r"^✗ +session +.*session token may have expired", result.stdout, re.MULTILINE)
    assert "→ sign in again: `chatgpt-browser login`" in result.stdout
    assert re.search(r"^1 problem", result.stdout, re.MULTILINE)


def test_a_base_url_that_makes_no_sense(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATGPT_API_BASE_URL", "nowhere")

    result = invoke("doctor")

    assert result.exit_code == 2
    assert "api_base_url" in result.stderr


def test_a_challenge_that_wants_a_person(signed_in: FakeChatGPT) -> None:
    signed_in.strike_challenge("person")

    with Patient(challenge_timeout=300) as patient:
        findings = {result.name: result.finding for result in examine(CHECKS, patient, lambda _: None)}

    assert findings["answer"].status is Status.OK
    assert findings["answer"].facts["cf-mitigated"] == "challenge"
    assert (findings["challenge"].status, findings["challenge"].exit_code) == (Status.PROBLEM, 5)
    assert "login" in findings["challenge"].remedy
    assert findings["session"] == Finding(Status.SKIPPED, "not without challenge")


# ---- one browser, many sites -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site() -> Iterator[FakeChatGPT]:
    with FakeChatGPT() as server:
        yield server


@pytest.fixture(scope="module")
def probe(site: FakeChatGPT) -> Iterator[Any]:
    """A function that has one browser look at a URL."""
    portal = Portal()
    base_urls = {"api_base_url": site.api_base_url, "backend_api_base_url": site.backend_api_base_url}
    started = portal.call(Probe.start, default_options(**base_urls, first_byte_timeout=2_000))
    yield lambda url: portal.call(started.look, url)
    portal.close(started.close)


@pytest.fixture
def seeing(site: FakeChatGPT, monkeypatch: pytest.MonkeyPatch) -> Patient:
    """A patient whose base URLs are the site's; what was seen of it is put there by the test."""
    monkeypatch.setenv("CHATGPT_API_BASE_URL", site.api_base_url)
    monkeypatch.setenv("CHATGPT_BACKEND_API_BASE_URL", site.backend_api_base_url)
    return Patient()


def looked(patient: Patient, sighting: Sighting) -> dict[str, Finding]:
    """What the checks between the browser and the client make of a sighting."""
    patient.sighting = sighting
    patient.look = lambda: sighting  # type: ignore[method-assign]
    way = [
        check for check in doctor_site.CHECKS if check.name in ("dns", "connection", "tls", "answer", "clock")
    ]
    way[0] = Check("dns", doctor_site.dns)
    return {result.name: result.finding for result in examine(way, patient, lambda _: None)}


@pytest.mark.parametrize(
    ("step", "code", "words"),
    [
        (Answer(503, "down"), 10, "the site answers 503"),
        (Answer(429, {}), 6, "the site answers 429"),
        (Answer(403, {"detail": "no"}), 10, "refuses this address"),
        (Answer(404, ""), 10, "the site answers 404"),
        (Answer(302, headers=[("location", "http://localhost:1/")]), 12, "ERR_"),
    ],
    ids=["503", "429", "403", "404", "elsewhere, which is nowhere"],
)
def test_an_answer_that_is_none(
    probe: Any, site: FakeChatGPT, seeing: Patient, step: Answer, code: int, words: str
) -> None:
    site.script_session(step)

    findings = looked(seeing, probe(f"{site.api_base_url}/auth/session"))

    [found] = [finding for finding in findings.values() if finding.status is Status.PROBLEM]
    assert words in found.summary
    assert found.exit_code == code
    assert found.remedy
    assert findings["clock"].status is Status.SKIPPED


@pytest.mark.parametrize(
    ("seconds", "status", "words"),
    [
        (0, Status.OK, "0 s from the site's"),
        (-20, Status.OK, "s from the site's"),
        (+300, Status.WARNING, "ahead of the site's"),
        (-86_400, Status.PROBLEM, "behind the site's"),
    ],
)
def test_the_clock_is_held_against_the_sites(
    probe: Any, site: FakeChatGPT, seeing: Patient, seconds: int, status: Status, words: str
) -> None:
    theirs = formatdate(time() - seconds, usegmt=True)
    site.script_session(Answer(200, {}, headers=[("date", theirs)]))

    found = looked(seeing, probe(f"{site.api_base_url}/auth/session"))["clock"]

    assert found.status is status
    assert words in found.summary
    assert found.facts["ahead_seconds"] == pytest.approx(seconds, abs=3)


def test_a_site_that_sends_its_visitors_elsewhere(probe: Any, site: FakeChatGPT, seeing: Patient) -> None:
    place = f"http://localhost:{site.port}"
    site.script_session(Answer(302, headers=[("location", f"{place}/sign-in")]))

    found = looked(seeing, probe(f"{site.api_base_url}/auth/session"))["answer"]

    assert (found.status, found.exit_code) == (Status.PROBLEM, 11)
    assert place in found.summary


def test_where_a_connection_ends(probe: Any, seeing: Patient) -> None:
    with FakeChatGPT(tls=True) as untrusted:
        certificate = looked(seeing, probe(f"{untrusted.api_base_url}/auth/session"))
        seeing.origin = untrusted.origin
        certificate = looked(seeing, seeing.sighting or pytest.fail())
    refused = looked(seeing, probe(f"{untrusted.api_base_url}/auth/session"))

    assert certificate["tls"].facts["error"] == "ERR_CERT_AUTHORITY_INVALID"
    assert certificate["connection"].status is Status.OK
    assert certificate["answer"].status is Status.SKIPPED
    assert refused["connection"].facts["error"] == "ERR_CONNECTION_REFUSED"
    assert refused["tls"] == Finding(Status.SKIPPED, "not without connection")
    assert {certificate["tls"].exit_code, refused["connection"].exit_code} == {12}


# ---- on this machine, without a browser ------------------------------------------------------------------------------


def test_no_token_and_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    nobody = Patient()

    assert doctor_here.token(nobody).exit_code == 3
    assert doctor_here.display(nobody).status is Status.WARNING

    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "x" * 5000)
    somebody = Patient()

    assert doctor_here.token(somebody).summary == "from CHATGPT_SESSION_TOKEN: 5000 characters, 2 cookies"
    assert doctor_here.display(somebody).status is Status.OK
    assert "xxx" not in repr(somebody)

    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "two words")
    monkeypatch.setenv("DISPLAY", ":7")

    assert doctor_here.token(Patient()).exit_code == 3
    assert doctor_here.display(Patient()).facts == {"display": ":7"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps permissions in another way")
def test_what_login_saved_is_looked_at(no_store: Path) -> None:
    assert doctor_here.store(Patient()).summary == f"nothing is saved yet in {no_store}"

    Patient().store.save("https://chat.openai.com", "a-token")
    (no_store / "SingletonLock").symlink_to("nowhere")

    assert doctor_here.store(Patient()).status is Status.OK
    assert doctor_here.token(Patient()).facts["source"] == "login"

    (no_store / "session.json").chmod(0o640)
    found = doctor_here.store(Patient())

    assert found.status is Status.WARNING
    assert found.facts["open_to_others"] == [str(no_store / "session.json")]
    assert found.remedy == f"chmod -R go-rwx '{no_store}'"


# ---- as plain data ---------------------------------------------------------------------------------------------------


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
def test_at_which_stage_an_error_ends_a_request(error: str, stage: str) -> None:
    trouble = doctor_site.trouble_of(error)
    assert trouble.stage == stage
    assert trouble.remedy


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
def test_an_email_is_masked_wherever_it_stands(text: str, shown: str) -> None:
    assert doctor_site.masked(text) == shown


def test_checks_that_need_each_other() -> None:
    def broken(_: None) -> Finding:
        raise APIConnectionError("no network")

    checks = [
        Check[None]("first", lambda _: ok("fine")),
        Check[None]("second", broken, ("first",)),
        Check[None]("third", lambda _: ok("never"), ("second",)),
        Check[None]("fourth", lambda _: ok("never"), ("first", "third")),
        Check[None]("fifth", lambda _: problem(ChatGPTError("another"))),
    ]
    begun = list[str]()

    results = list(examine(checks, None, begun.append))

    assert begun == [result.name for result in results] == ["first", "second", "third", "fourth", "fifth"]
    assert [result.finding.status.value for result in results] == [
        "ok",
        "problem",
        "skipped",
        "skipped",
        "problem",
    ]
    assert [result.finding.summary for result in results][1:4] == ["no network", *["not without second"] * 2]
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
def test_every_problem_has_a_remedy(error: ChatGPTError, words: str) -> None:
    assert words in problem(error).remedy
