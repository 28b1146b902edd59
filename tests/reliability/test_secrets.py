"""No message, repr, log line, warning or traceback holds a token: every kind of error is raised, and what it says is searched."""

from __future__ import annotations

import base64
import io
import logging
import random
import traceback
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.pretty import pretty_repr
from rich.traceback import Traceback

import chatgpt_browser
from chatgpt_browser import (
    AbortController,
    AbortError,
    AccessTokenRejectedError,
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BrowserCrashedError,
    BrowserError,
    BrowserLaunchError,
    BrowserNotFoundError,
    ChallengeError,
    ChatGPTAPI,
    ChatGPTError,
    ChatGPTTimeoutError,
    ClientClosedError,
    ComposerNotFoundError,
    ConversationNotFoundError,
    DialogInTheWayError,
    InvalidSessionTokenError,
    MalformedEventError,
    MessageTooLongError,
    OriginError,
    PageError,
    RateLimitError,
    SessionExpiredError,
    StreamError,
    StreamInterruptedError,
    UnknownEncodingError,
    UnusualActivityError,
)
from chatgpt_browser._core.models import Head, Request, Response
from chatgpt_browser._core.urls import Site
from chatgpt_browser._protocol.cookies import SessionToken
from chatgpt_browser._protocol.requests import message_request
from chatgpt_browser._protocol.session import read_session
from chatgpt_browser.testing import BREAK, Answer, Break, FakeChatGPT, Gate, RawBody, Reply, Stall
from tests.support.client_processes import Mark, until
from tests.support.scripted_site import DONE, base_urls, can_send, event, sse
from tests.support.secret_search import PART, parts_of, secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _token(seed: bytes, length: int) -> str:
    """A token of that length which looks like nothing that anybody would say by chance."""
    return base64.urlsafe_b64encode(random.Random(seed).randbytes(length)).decode()[:length]


TOKENS = st.builds(_token, st.binary(), st.integers(PART, 12_000))


class Ear:
    """All that is said while it listens: log records of every logger, warnings, and what it is shown."""

    def __init__(self) -> None:
        self.said = io.StringIO()

    def hear_error(self, error: BaseException) -> None:
        """An error in every form in which somebody may print it."""
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        self.said.writelines(trace.format())
        rich = Traceback.extract(
            type(error),
            error,
            error.__traceback__,
            show_locals=True,
            locals_max_length=99,
            locals_max_string=9999,
        )
        # What rich would print, but for the lines of source, which it colours at great length.
        for stack in rich.stacks:
            self.said.write(f"{stack.exc_type}: {stack.exc_value}\n")
            for frame in stack.frames:
                for name, value in (frame.locals or {}).items():
                    self.said.write(f"{name} = {value}\n")
        self.hear(error, error.args, {k: v for k, v in vars(error).items() if k != "body"})

    def hear(self, *things: object) -> None:
        for thing in things:
            self.said.write(f"{thing!s}\n{thing!r}\n{pretty_repr(thing, max_length=99)}\n")

    def assert_heard_nothing_of(self, secrets: list[str]) -> None:
        said = self.said.getvalue()
        for secret in secrets:
            for part in parts_of(secret):
                at = said.find(part)
                # The secret stays out of this test's own report.
                assert at == -1, "a secret is in: " + said[max(0, at - 300) : at].replace(part, "***")


@contextmanager
def listening() -> Iterator[Ear]:
    ear = Ear()
    handler, root = logging.StreamHandler(ear.said), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield ear
        ear.hear(*[str(warning.message) for warning in caught])
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


# ---- without a browser: any token, in any form -----------------------------------------------------------------------


class Held:
    """Keeps a secret out of the test's own frames: what calls the client has this instead."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "<held>"


def _raise_from_constructor(given_: Held, options: dict[str, Any]) -> None:
    ChatGPTAPI(given_.value, **options)


BAD_OPTIONS: list[dict[str, Any]] = [
    {"api_base_url": "nonsense"},
    {"retries": -1},
    {"first_byte_timeout": -1},
    {"proxy": 3},
    {"browser_args": "one"},
]


@settings(max_examples=20)
@given(TOKENS, st.sampled_from(BAD_OPTIONS))
def test_an_option_that_makes_no_sense(token: str, options: dict[str, Any]) -> None:
    held = Held(token)
    del token
    with listening() as ear:
        try:
            _raise_from_constructor(held, options)
        except ValueError as error:
            ear.hear_error(_without_our_own_frame(error))
        else:
            pytest.fail("it was taken")
    ear.assert_heard_nothing_of([held.value])


BAD_FORMS: list[Callable[[str], Any]] = [
    lambda token: token + "\n" + token,
    lambda token: [token, 5],
    lambda token: [token, "ü"],
    lambda token: {"session": token},
    lambda token: {"next-auth.session-token.1": token},
    lambda token: token.encode(),
    lambda token: f"Cookie: other={token}",
    lambda token: f'"{token}", "{token}"',
    lambda token: object(),
]


@settings(max_examples=20)
@given(TOKENS, st.sampled_from(BAD_FORMS))
def test_a_token_that_can_be_none(token: str, form: Callable[[str], Any]) -> None:
    held = Held(form(token))
    secret = Held(token)
    del token
    with listening() as ear:
        try:
            _raise_from_constructor(held, {})
        except InvalidSessionTokenError as error:
            ear.hear_error(_without_our_own_frame(error))
        else:
            pytest.fail("it was taken")
    ear.assert_heard_nothing_of([secret.value])


SESSION_BODIES: list[Callable[[str], str]] = [
    lambda token: f'{{"accessToken": "{token}", "error": "RefreshAccessTokenError"}}',
    lambda token: f'{{"accessToken": "{token}", "error": "Other"}}',
    lambda token: f'{{"accessToken": "{token}"',
    lambda token: f'["{token}"]',
    lambda token: f'{{"accessToken": ["{token}"]}}',
    lambda token: f"<html>{token}</html>",
]


@settings(max_examples=20)
@given(TOKENS, st.sampled_from(SESSION_BODIES), st.sampled_from([200, 304, 401, 403, 500, 503]))
def test_a_session_that_is_none(token: str, body: Callable[[str], str], status: int) -> None:
    response, secret = Response(Head(status), body(token)), Held(token)
    del token
    with listening() as ear:
        try:
            read_session(response)
        except ChatGPTError as error:
            ear.hear_error(_without_our_own_frame(error))
        else:
            pytest.fail("it was taken")
        ear.hear(response)
    ear.assert_heard_nothing_of([secret.value])


@settings(max_examples=20)
@given(TOKENS, TOKENS)
def test_reprs(session_token: str, access_token: str) -> None:
    site = Site("https://chatgpt.com/api", "https://chatgpt.com/backend-api")
    with listening() as ear:
        token = SessionToken.parse(session_token)
        ear.hear(token)
        with ChatGPTAPI(session_token) as api:
            ear.hear(api, api.get_conversation(), api.stream_message("hello"), api._options, api._core)
        headers = {"authorization": f"Bearer {access_token}"}
        ear.hear(Request("GET", "https://chatgpt.com", headers, body=access_token))
        prompt = chatgpt_browser._core.models.Prompt("hello")
        ear.hear(message_request(site, prompt, message_id="m1", model="m", access_token=access_token))
    ear.assert_heard_nothing_of([session_token, access_token])


def _without_our_own_frame(error: BaseException) -> BaseException:
    """The test's frames hold what hypothesis gave them."""
    assert error.__traceback__ is not None
    return error.with_traceback(error.__traceback__.tb_next)


# ---- through Chromium: every kind of error ---------------------------------------------------------------------------

Trouble = "Callable[[Victim], Any]"


class Victim:
    """A client in trouble. Its tokens are known to its server alone."""

    def __init__(self, **options: Any) -> None:
        self.mark = Mark()
        self.server = FakeChatGPT(rotate_session_token=True).start()
        self._seen = [self.server.session_token]
        self.api = ChatGPTAPI(
            self.server.session_token,
            **base_urls(self.server),
            browser_args=[self.mark.argument],
            access_token_ttl=0,
            retries=1,
            challenge_timeout=200,
            **options,
        )

    def __repr__(self) -> str:
        return "<Victim>"

    def secrets(self) -> list[str]:
        return [*{*self._seen, *secrets_of(self.server)}]

    def send(self, *steps: Any, **options: Any) -> str:
        self.server.script(*steps)
        return self.api.send_message("hello", **options)

    def session(self, *answers: Any) -> str:
        self.server.script_session(*answers)
        return self.api.send_message("hello")

    def old_token(self, message: str) -> Answer:
        """A session that is dead and still names a token, which a message of ours has carried."""
        return Answer(200, {"accessToken": self.secrets()[-1], "error": message})


def _abort(victim: Victim) -> None:
    controller = AbortController()
    gate = Gate()
    victim.send(
        Reply(pieces=["a", "b"], hold_after=1, gate=gate),
        abort_signal=controller.signal,
        on_progress=lambda _: controller.abort("enough"),
    )


def _raise(text: str) -> None:
    raise RuntimeError(text)


def _challenge(victim: Victim) -> None:
    victim.server.strike_challenge("person")
    try:
        victim.api.send_message("hello")
    finally:
        victim.server.strike_challenge(None)


def _redirect(victim: Victim) -> None:
    victim.server.redirect_to = "https://evil.invalid"
    try:
        victim.api.send_message("hello")
    finally:
        victim.server.redirect_to = None


def _kill(which: Callable[[Mark], None]) -> Callable[[Victim], Any]:
    def trouble(victim: Victim) -> None:
        hold = Reply(pieces=["a", "b"], hold_after=1, gate=Gate())
        victim.send(hold, on_progress=lambda _: which(victim.mark))

    return trouble


def _closed(victim: Victim) -> None:
    """Another client of the same server: this one is still needed."""
    api = ChatGPTAPI(victim.server.session_token, **base_urls(victim.server))
    api.close()
    api.send_message("hello")


def _dead_page(victim: Victim) -> None:
    can_send(victim.api)
    page = victim.api._core._browser_manager._page
    assert page is not None
    victim.mark.kill_renderers()
    until(lambda: page.dead is not None)
    page.open(Request("GET", f"{victim.server.origin}/"))


TROUBLES: dict[str, tuple[type[Exception], Callable[[Victim], Any]]] = {
    "signed out": (SessionExpiredError, lambda victim: victim.session("signed_out")),
    "refresh error": (SessionExpiredError, lambda victim: victim.session("refresh_error")),
    "an old token": (AuthenticationError, lambda victim: victim.session(victim.old_token("Other"))),
    "half a session": (
        AuthenticationError,
        lambda victim: victim.session(Answer(200, '{"accessToken": "abc', content_type="application/json")),
    ),
    "session 500": (
        AuthenticationError,
        lambda victim: victim.session(Answer.server_error(), Answer.server_error()),
    ),
    "session network": (APIConnectionError, lambda victim: victim.session(Break(), Break())),
    "401": (
        AccessTokenRejectedError,
        lambda victim: victim.send(Answer.token_expired(), Answer.invalid_jwt()),
    ),
    "403": (UnusualActivityError, lambda victim: victim.send(Answer.unusual_activity())),
    "404": (ConversationNotFoundError, lambda victim: victim.send(Answer.conversation_not_found())),
    "413": (MessageTooLongError, lambda victim: victim.send(Answer.message_too_long())),
    "422": (APIStatusError, lambda victim: victim.send(Answer.unprocessable())),
    "429": (RateLimitError, lambda victim: victim.send(Answer.model_cap())),
    "429 twice": (RateLimitError, lambda victim: victim.send(*[Answer.one_message_at_a_time()] * 2)),
    "500": (APIStatusError, lambda victim: victim.send(Answer.server_error())),
    "network": (StreamInterruptedError, lambda victim: victim.send(Break())),
    "broken reply": (StreamInterruptedError, lambda victim: victim.send(RawBody([sse(event("one")), BREAK]))),
    "no JSON": (MalformedEventError, lambda victim: victim.send(RawBody([b"data: {oops\n\n"]))),
    "unknown encoding": (
        UnknownEncodingError,
        lambda victim: victim.send(RawBody([b'event: delta_encoding\ndata: "v9"\n\n'])),
    ),
    "no UTF-8": (MalformedEventError, lambda victim: victim.send(RawBody([b"data: \xff\n\n"]))),
    "error event": (StreamError, lambda victim: victim.send(Reply(error="trouble"))),
    "no reply": (StreamInterruptedError, lambda victim: victim.send(RawBody([DONE]))),
    "timeout": (ChatGPTTimeoutError, lambda victim: victim.send(Stall(), timeout_ms=1500)),
    "timeout before the head": (
        ChatGPTTimeoutError,
        lambda victim: victim.send(Stall(before_head=True), timeout_ms=1500),
    ),
    "abort": (AbortError, _abort),
    "callback": (RuntimeError, lambda victim: victim.send("Hello.", on_progress=_raise)),
    "challenge": (ChallengeError, _challenge),
    "origin": (OriginError, _redirect),
    "renderer": (BrowserCrashedError, _kill(Mark.kill_renderers)),
    "driver": (BrowserCrashedError, _kill(Mark.kill_driver)),
    "dead page": (BrowserCrashedError, _dead_page),
    "closed": (ClientClosedError, _closed),
}


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    victim = Victim()
    with listening() as ear:
        assert can_send(victim.api)
        yield victim
        victim.api.close()
    victim.server.close()
    ear.assert_heard_nothing_of(victim.secrets())


@pytest.mark.parametrize(("kind", "trouble"), TROUBLES.values(), ids=TROUBLES)
def test_an_error_keeps_every_secret(
    victim: Victim, kind: type[Exception], trouble: Callable[[Victim], Any]
) -> None:
    before = len(victim.server.requests)
    with listening() as ear:
        try:
            trouble(victim)
        except kind as error:
            assert type(error) is kind
            ear.hear_error(error)
        else:
            pytest.fail("nothing was raised")
        assert can_send(victim.api)
        ear.hear(victim.api, victim.server, victim.api.get_session(), *victim.server.requests[before:])
    assert len(victim.secrets()) >= 3
    ear.assert_heard_nothing_of(victim.secrets())


NO_START: list[tuple[type[Exception], dict[str, Any]]] = [
    (BrowserNotFoundError, {"executable_path": "/nowhere"}),
    (BrowserLaunchError, {"executable_path": "/bin/false"}),
    (BrowserLaunchError, {"browser_url": "ws://127.0.0.1:1"}),
]


#: What the site's own page may stand in the way of, and what the server is told before that.
ON_THE_PAGE: list[tuple[type[Exception], dict[str, Any], dict[str, Any]]] = [
    (DialogInTheWayError, {"modal": "New terms"}, {}),
    (ComposerNotFoundError, {"modal": None, "layout": "strange"}, {}),
    (PageError, {"layout": "usual"}, {"parent_message_id": "older"}),
]


def test_an_error_of_the_sites_page_keeps_every_secret() -> None:
    with FakeChatGPT(form="app") as server, listening() as ear:
        options = {"send_via": "page", "first_byte_timeout": 3000, **base_urls(server)}
        with ChatGPTAPI(server.session_token, **options) as api:
            conversation = server.add_conversation([("user", "Hello"), ("assistant", "Hello!")])
            for kind, settings, place in ON_THE_PAGE:
                for name, value in settings.items():
                    setattr(server, name, value)
                with pytest.raises(kind) as caught:
                    api.send_message("hello", conversation_id=conversation.id, **place)
                assert type(caught.value) is kind
                ear.hear_error(caught.value)
            access_token = api.refresh_access_token()
    ear.assert_heard_nothing_of([server.session_token, access_token])


def test_no_kind_of_error_is_missing_here() -> None:
    raised = {kind for kind, *_ in [*TROUBLES.values(), *NO_START, *ON_THE_PAGE]} | {InvalidSessionTokenError}
    every = {value for value in vars(chatgpt_browser).values() if isinstance(value, type)}
    assert {kind for kind in every if issubclass(kind, ChatGPTError)} - raised == {ChatGPTError, BrowserError}


def test_a_client_that_can_not_start() -> None:
    for kind, options in NO_START:
        with FakeChatGPT() as server, listening() as ear:
            with ChatGPTAPI(server.session_token, **base_urls(server), **options) as api:
                try:
                    api.send_message("hello")
                except kind as error:
                    ear.hear_error(error)
                else:
                    pytest.fail("it started")
        ear.assert_heard_nothing_of([server.session_token])


def test_a_cookie_that_the_browser_refuses() -> None:
    """Chromium takes no cookie with this name and value; Playwright's own frames hold them."""
    with FakeChatGPT() as server, listening() as ear:
        with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
            api._core._browser_manager.session_token = SessionToken(
                server.session_token + "\n\x00;", "next-auth"
            )
            try:
                api.send_message("hello")
            except ChatGPTError as error:
                ear.hear_error(error)
            else:
                pytest.fail("it was taken")
    ear.assert_heard_nothing_of([server.session_token])


#: A token that is none of ours, by its form. In pieces: the lines of this file stand in tracebacks.
FOREIGN = ".".join(["eyJ" + "hbGciOiJkaXIi", "some" * 8, "body" * 8])


def _script_echo(victim: Victim, place: str) -> None:
    """Have the site repeat a token in a place whose text goes into an error."""
    access, session = victim.api.ensure_auth(), victim.api.session_token
    if place == "session":
        victim.server.script_session(Answer(200, {"error": f"bad cookie {session}"}))
        return
    echoes: dict[str, list[Any]] = {
        "detail": [Answer.error(400, f"invalid token {access}")],
        "cookie": [Answer.error(400, {"message": f"bad cookie {session}", "code": access})],
        "list": [Answer.error(422, [{"loc": ["header"], "msg": access}])],
        "said twice": [Answer.error(401, f"invalid token {access}")] * 2,
        "title": [Answer(500, f"<title>bad {access}</title>", content_type="text/html")],
        "error event": [Reply("x", error=f"bad {access}")],
        "somebody else's": [Answer.error(400, f"bad {FOREIGN}")],
    }
    victim.server.script(*echoes[place])


@pytest.mark.parametrize(
    "place",
    ["detail", "cookie", "list", "said twice", "title", "error event", "session", "somebody else's"],
)
def test_a_token_that_the_site_repeats_goes_no_further(victim: Victim, place: str) -> None:
    """Neither into the error, nor into what it carries."""
    _script_echo(victim, place)
    with listening() as ear:
        with pytest.raises(ChatGPTError) as caught:
            victim.api.send_message("hello")
        ear.hear_error(caught.value)
    assert "[removed]" in str(caught.value)
    ear.assert_heard_nothing_of([*victim.secrets(), FOREIGN])
    if isinstance(caught.value, APIStatusError):
        assert FOREIGN not in str(vars(caught.value))
        assert not any(secret in str(vars(caught.value)) for secret in victim.secrets())


@pytest.mark.parametrize("token", ["token", "x" * 3933 + "e"])
def test_a_token_that_is_part_of_words_takes_no_word_along(token: str) -> None:
    """The longer one's second cookie is an "e"."""
    with FakeChatGPT(session_token=token) as server:
        with ChatGPTAPI(token, **base_urls(server), retries=0) as api:
            server.script(Answer.token_expired())
            with pytest.raises(
                AccessTokenRejectedError, match="Your authentication token has expired"
            ) as caught:
                api.send_message("hello")
    assert caught.value.code == "token_expired"
