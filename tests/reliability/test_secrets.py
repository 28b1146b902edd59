"""Errors through Chromium: no message, repr, log record, warning or traceback of any error class contains a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

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
    ForkedProcessError,
    InvalidSessionTokenError,
    JobNotFoundError,
    JobStoreError,
    JobUncertainError,
    MalformedEventError,
    MessageTooLongError,
    ModerationError,
    OptionNotAppliedError,
    OriginError,
    PageError,
    ProxyError,
    RateLimitError,
    SessionExpiredError,
    StreamError,
    StreamInterruptedError,
    UnknownEncodingError,
    UnusualActivityError,
    UploadError,
)
from chatgpt_browser._core.models import Request
from chatgpt_browser._protocol.cookies import SessionToken
from chatgpt_browser.testing import BREAK, Answer, Break, FakeChatGPT, Gate, RawBody, Reply, Stall
from tests.support.client_processes import Mark, until
from tests.support.output_capture import capture_output
from tests.support.scripted_site import DONE, base_urls, can_send, event, sse
from tests.support.secret_search import secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class FailingClient:
    """A client whose calls can be made to fail, and its server, the only place of its tokens."""

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
            **{"send_via": "fetch", **options},
        )

    def __repr__(self) -> str:
        return "<FailingClient>"

    def secrets(self) -> list[str]:
        return [*{*self._seen, *secrets_of(self.server)}]

    def send(self, *steps: Any, **options: Any) -> str:
        self.api._core._sender.pace.forget_limits()
        self.server.script(*steps)
        return self.api.send_message("hello", **options)

    def session(self, *answers: Any) -> str:
        self.server.script_session(*answers)
        return self.api.send_message("hello")

    def old_token(self, message: str) -> Answer:
        """Return a session response with an error and with a token that the client has sent before."""
        return Answer(200, {"accessToken": self.secrets()[-1], "error": message})


def _send_and_abort(client: FailingClient) -> None:
    controller = AbortController()
    gate = Gate()
    client.send(
        Reply(pieces=["a", "b"], hold_after=1, gate=gate),
        abort_signal=controller.signal,
        on_progress=lambda _: controller.abort("enough"),
    )


def _raise_error(text: str) -> None:
    raise RuntimeError(text)


def _send_when_challenged(client: FailingClient) -> None:
    client.server.strike_challenge("person")
    try:
        client.api.send_message("hello")
    finally:
        client.server.strike_challenge(None)


def _send_when_redirected(client: FailingClient) -> None:
    client.server.redirect_to = "https://evil.invalid"
    try:
        client.api.send_message("hello")
    finally:
        client.server.redirect_to = None


def _send_and_kill(which: Callable[[Mark], None]) -> Callable[[FailingClient], Any]:
    def fail(client: FailingClient) -> None:
        hold = Reply(pieces=["a", "b"], hold_after=1, gate=Gate())
        client.send(hold, on_progress=lambda _: which(client.mark))

    return fail


def _send_after_close(client: FailingClient) -> None:
    """Close another client of the same server, because later tests need this one."""
    api = ChatGPTAPI(client.server.session_token, **base_urls(client.server))
    api.close()
    api.send_message("hello")


def _request_on_dead_page(client: FailingClient) -> None:
    can_send(client.api)
    page = client.api._core._browser_manager._page
    assert page is not None
    client.mark.kill_renderers()
    until(lambda: page.dead is not None)
    page.open(Request("GET", f"{client.server.origin}/"))


FAILURES: dict[str, tuple[type[Exception], Callable[[FailingClient], Any]]] = {
    "signed out": (SessionExpiredError, lambda client: client.session("signed_out")),
    "refresh error": (SessionExpiredError, lambda client: client.session("refresh_error")),
    "expired token": (AuthenticationError, lambda client: client.session(client.old_token("Other"))),
    "incomplete session": (
        AuthenticationError,
        lambda client: client.session(Answer(200, '{"accessToken": "abc', content_type="application/json")),
    ),
    "session 500": (
        AuthenticationError,
        lambda client: client.session(Answer.server_error(), Answer.server_error()),
    ),
    "session network": (APIConnectionError, lambda client: client.session(Break(), Break())),
    "401": (
        AccessTokenRejectedError,
        lambda client: client.send(Answer.token_expired(), Answer.invalid_jwt()),
    ),
    "403": (UnusualActivityError, lambda client: client.send(Answer.unusual_activity())),
    "404": (ConversationNotFoundError, lambda client: client.send(Answer.conversation_not_found())),
    "413": (MessageTooLongError, lambda client: client.send(Answer.message_too_long())),
    "422": (APIStatusError, lambda client: client.send(Answer.unprocessable())),
    "429": (RateLimitError, lambda client: client.send(Answer.model_cap())),
    "429 twice": (RateLimitError, lambda client: client.send(*[Answer.one_message_at_a_time()] * 2)),
    "500": (APIStatusError, lambda client: client.send(Answer.server_error())),
    "network": (StreamInterruptedError, lambda client: client.send(Break())),
    "broken reply": (StreamInterruptedError, lambda client: client.send(RawBody([sse(event("one")), BREAK]))),
    "no JSON": (MalformedEventError, lambda client: client.send(RawBody([b"data: {oops\n\n"]))),
    "unknown encoding": (
        UnknownEncodingError,
        lambda client: client.send(RawBody([b'event: delta_encoding\ndata: "v9"\n\n'])),
    ),
    "no UTF-8": (MalformedEventError, lambda client: client.send(RawBody([b"data: \xff\n\n"]))),
    "error event": (StreamError, lambda client: client.send(Reply(error="failure"))),
    "withheld answer": (ModerationError, lambda client: client.send(Reply(withheld="No."))),
    "empty reply": (StreamInterruptedError, lambda client: client.send(RawBody([DONE]))),
    "timeout": (ChatGPTTimeoutError, lambda client: client.send(Stall(), timeout_ms=1500)),
    "timeout before the head": (
        ChatGPTTimeoutError,
        lambda client: client.send(Stall(before_head=True), timeout_ms=1500),
    ),
    "abort": (AbortError, _send_and_abort),
    "callback": (RuntimeError, lambda client: client.send("Hello.", on_progress=_raise_error)),
    "challenge": (ChallengeError, _send_when_challenged),
    "origin": (OriginError, _send_when_redirected),
    "renderer": (BrowserCrashedError, _send_and_kill(Mark.kill_renderers)),
    "driver": (BrowserCrashedError, _send_and_kill(Mark.kill_driver)),
    "dead page": (BrowserCrashedError, _request_on_dead_page),
    "closed": (ClientClosedError, _send_after_close),
}


@pytest.fixture(scope="module")
def client() -> Iterator[FailingClient]:
    client = FailingClient()
    with capture_output() as output:
        assert can_send(client.api)
        yield client
        client.api.close()
    client.server.close()
    output.assert_contains_none_of(client.secrets())


@pytest.mark.sample(10)
@pytest.mark.parametrize(("kind", "fail"), FAILURES.values(), ids=FAILURES)
def test_error_output_contains_no_secret(
    client: FailingClient, kind: type[Exception], fail: Callable[[FailingClient], Any]
) -> None:
    before = len(client.server.requests)
    with capture_output() as output:
        try:
            fail(client)
        except kind as error:
            assert type(error) is kind
            output.add_error(error)
        else:
            pytest.fail("nothing was raised")
        assert can_send(client.api)
        output.add(client.api, client.server, client.api.get_session(), *client.server.requests[before:])
    assert len(client.secrets()) >= 3
    output.assert_contains_none_of(client.secrets())


START_FAILURES: list[tuple[type[Exception], dict[str, Any]]] = [
    (BrowserNotFoundError, {"executable_path": "/nowhere"}),
    (BrowserLaunchError, {"executable_path": "/bin/false"}),
    (BrowserLaunchError, {"browser_url": "ws://127.0.0.1:1"}),
]


#: Errors of ``send_via="page"``: the class, the dialog or the page that the server shows, and options of the message.
SITE_PAGE_FAILURES: list[tuple[type[Exception], dict[str, Any], dict[str, Any]]] = [
    (DialogInTheWayError, {"modal": "New terms"}, {}),
    (ComposerNotFoundError, {"page": "A page without a composer."}, {}),
    (PageError, {}, {"parent_message_id": "older"}),
    (UploadError, {}, {"files": ["/nowhere.txt"]}),
    (OptionNotAppliedError, {}, {}),
]


def test_site_page_error_output_contains_no_secret() -> None:
    with FakeChatGPT(form="app") as server, capture_output() as output:
        options = {"send_via": "page", "first_byte_timeout": 8000, "model": "gpt-5", **base_urls(server)}
        with ChatGPTAPI(server.session_token, **options) as api:
            conversation = server.add_conversation([("user", "Hello"), ("assistant", "Hello!")])
            server.ignores_model = True
            for kind, settings, place in SITE_PAGE_FAILURES:
                server.modal = settings.get("modal")
                if "page" in settings:
                    server.script_path(f"/c/{conversation.id}", Answer(200, settings["page"]))
                with pytest.raises(kind) as caught:
                    api.send_message("hello", conversation_id=conversation.id, **place)
                assert type(caught.value) is kind
                output.add_error(caught.value)
            access_token = api.refresh_access_token()
    output.assert_contains_none_of([server.session_token, access_token])


def test_secret_tests_raise_every_error_class() -> None:
    raised = {kind for kind, *_ in [*FAILURES.values(), *START_FAILURES, *SITE_PAGE_FAILURES]} | {
        InvalidSessionTokenError
    }
    every = {value for value in vars(chatgpt_browser).values() if isinstance(value, type)}
    assert {kind for kind in every if issubclass(kind, ChatGPTError)} - raised == {
        ChatGPTError,
        BrowserError,
        # Raised by test_forked_processes and test_proxy, the latter with a check for secrets.
        ForkedProcessError,
        ProxyError,
        # Raised by the tests of jobs. Their messages contain only the path of the store and the id of a job.
        JobStoreError,
        JobNotFoundError,
        JobUncertainError,
    }


def test_failed_start_output_contains_no_secret() -> None:
    for kind, options in START_FAILURES:
        with FakeChatGPT() as server, capture_output() as output:
            with ChatGPTAPI(server.session_token, **base_urls(server), **options) as api:
                try:
                    api.send_message("hello")
                except kind as error:
                    output.add_error(error)
                else:
                    pytest.fail("no error was raised")
        output.assert_contains_none_of([server.session_token])


def test_refused_cookie_error_output_contains_no_secret() -> None:
    """Chromium refuses a cookie with this value, which the frames of Playwright then contain."""
    with FakeChatGPT() as server, capture_output() as output:
        with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
            api._core._browser_manager.session_token = SessionToken(
                server.session_token + "\n\x00;", "next-auth"
            )
            try:
                api.send_message("hello")
            except ChatGPTError as error:
                output.add_error(error)
            else:
                pytest.fail("no error was raised")
    output.assert_contains_none_of([server.session_token])


#: The token of another account, recognised by its form. In pieces, because tracebacks contain lines of this file.
OTHER_TOKEN = ".".join(["eyJ" + "hbGciOiJkaXIi", "some" * 8, "body" * 8])


def _script_repeated_token(client: FailingClient, place: str) -> None:
    """Make the site repeat a token in a part of its response that becomes part of an error."""
    access, session = client.api.ensure_auth(), client.api.session_token
    if place == "session":
        client.server.script_session(Answer(200, {"error": f"bad cookie {session}"}))
        return
    echoes: dict[str, list[Any]] = {
        "detail": [Answer.error(400, f"invalid token {access}")],
        "cookie": [Answer.error(400, {"message": f"bad cookie {session}", "code": access})],
        "list": [Answer.error(422, [{"loc": ["header"], "msg": access}])],
        "repeated refusal": [Answer.error(401, f"invalid token {access}")] * 2,
        "title": [Answer(500, f"<title>bad {access}</title>", content_type="text/html")],
        "error event": [Reply("x", error=f"bad {access}")],
        "token of another account": [Answer.error(400, f"bad {OTHER_TOKEN}")],
    }
    client.server.script(*echoes[place])


@pytest.mark.parametrize(
    "place",
    [
        "detail",
        "cookie",
        "list",
        "repeated refusal",
        "title",
        "error event",
        "session",
        "token of another account",
    ],
)
def test_token_repeated_by_the_site_is_removed_from_error(client: FailingClient, place: str) -> None:
    """Neither the message of the error nor its attributes contain the token."""
    _script_repeated_token(client, place)
    with capture_output() as output:
        with pytest.raises(ChatGPTError) as caught:
            client.api.send_message("hello")
        output.add_error(caught.value)
    assert "[removed]" in str(caught.value)
    output.assert_contains_none_of([*client.secrets(), OTHER_TOKEN])
    if isinstance(caught.value, APIStatusError):
        assert OTHER_TOKEN not in str(vars(caught.value))
        assert not any(secret in str(vars(caught.value)) for secret in client.secrets())


@pytest.mark.parametrize("token", ["token", "x" * 3933 + "e"])
def test_token_equal_to_a_word_removes_no_word_from_error(token: str) -> None:
    """The longer token is stored in two cookies; the value of the second is "e"."""
    with FakeChatGPT(session_token=token) as server:
        with ChatGPTAPI(token, **base_urls(server), retries=0) as api:
            server.script(Answer.token_expired())
            with pytest.raises(
                AccessTokenRejectedError, match="Your authentication token has expired"
            ) as caught:
                api.send_message("hello")
    assert caught.value.code == "token_expired"
