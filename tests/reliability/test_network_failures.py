"""Tests of a site that cannot be reached: `APIConnectionError` in each part that distinguishes kinds of errors."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import Error as PlaywrightError

from chatgpt_browser import APIConnectionError, AuthenticationError, ChatGPTAPI
from chatgpt_browser._browser.playwright_errors import to_library_error
from chatgpt_browser._client.batch import Batch, ReplyResult
from chatgpt_browser.cli.chat.chat_session import ChatSession
from chatgpt_browser.cli.doctor import live_checks
from chatgpt_browser.cli.doctor.anonymization import anonymize_message
from chatgpt_browser.cli.doctor.live_attempt import LiveAttempt
from chatgpt_browser.cli.exit_codes import error_object, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser._core.models import BatchMessage, Prompt

ERROR = APIConnectionError("ChatGPT failed to refresh auth token. Error: net::ERR_NAME_NOT_RESOLVED")


@pytest.fixture(scope="module")
def offline_api() -> Iterator[ChatGPTAPI]:
    """Return a client of a port that refuses connections."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but not listening
        origin = f"http://127.0.0.1:{unused.getsockname()[1]}"
        urls: dict[str, Any] = {
            "api_base_url": f"{origin}/api",
            "backend_api_base_url": f"{origin}/backend-api",
        }
        with ChatGPTAPI("a-session-token", retries=0, **urls) as api:
            yield api


class UnreachableConversation:
    """A conversation whose messages fail because the site cannot be reached."""

    conversation_id = parent_message_id = None

    def send_message(self, *args: object, **options: object) -> str:
        raise ERROR

    def stream_message(self, *args: object, **options: object) -> Any:
        raise ERROR


@pytest.mark.parametrize(
    ("url", "ending"),
    [
        ("https://chatgpt.com/auth/callback?code=secret", "net::ERR_TIMED_OUT at https://chatgpt.com"),
        ("http://127.0.0.1:80/secret", "net::ERR_TIMED_OUT at http://127.0.0.1:80"),
        ("https://ada:secret@chatgpt.com/", "net::ERR_TIMED_OUT"),
    ],
)
def test_network_error_names_origin_without_secrets(url: str, ending: str) -> None:
    error = to_library_error(PlaywrightError(f"net::ERR_TIMED_OUT at {url}"))

    assert isinstance(error, APIConnectionError)
    assert str(error) == f"ChatGPT failed to refresh auth token. Error: {ending}"


def test_ensure_auth_site_unreachable_raises_api_connection_error(offline_api: ChatGPTAPI) -> None:
    with pytest.raises(
        APIConnectionError, match=r"^ChatGPT failed to refresh auth token\. Error: "
    ) as caught:
        offline_api.ensure_auth()

    assert not isinstance(caught.value, AuthenticationError)
    assert not caught.value.permanent
    assert str(caught.value).endswith(f" at {offline_api._core._options.site.origin}")


def test_get_is_authenticated_site_unreachable_is_false(offline_api: ChatGPTAPI) -> None:
    assert offline_api.get_is_authenticated() is False


class UnreachableSite:
    """Records the messages of a batch, and fails to send them."""

    def __init__(self) -> None:
        self.ids: dict[int, str] = {}
        self.sent: list[str] = []

    async def send(self, index: int, message: BatchMessage, prompt: Prompt) -> ReplyResult:
        self.sent.append(prompt.text)
        raise ERROR

    async def release(self, index: int) -> None:
        """Do nothing: no message has a result."""


@pytest.mark.anyio
async def test_batch_site_unreachable_ends_batch() -> None:
    jobs = UnreachableSite()
    batch = Batch(jobs, window=1, in_order=True, longest_pause=0, signal=None)
    await batch.put("one")
    with pytest.raises(APIConnectionError):
        await batch.get()
    await batch.close()

    assert jobs.sent == ["one"]
    assert not batch.has_room


def test_exit_code_site_unreachable_is_12_with_hint() -> None:
    kind = kind_of(ERROR)

    assert kind.code == 12
    assert "doctor" in kind.hint
    assert error_object(ERROR) == {"type": "APIConnectionError", "message": str(ERROR), "exit_code": 12}


def test_chat_site_unreachable_tells_how_to_continue(capsys: pytest.CaptureFixture[str]) -> None:
    api: Any = SimpleNamespace(
        get_conversation=lambda **ids: UnreachableConversation(),
        model="gpt-x",
        _options=SimpleNamespace(send_via="auto"),
    )
    chat = ChatSession(api)
    chat.handle("Hello")

    assert "chat --continue" in capsys.readouterr().err
    assert not chat.is_over


def test_doctor_live_site_unreachable_does_not_search_for_conversation() -> None:
    client = SimpleNamespace(get_conversation=UnreachableConversation)
    context: Any = SimpleNamespace(
        attempts={}, client=lambda **options: client, remember_secrets=lambda: None, person=[]
    )
    finding = live_checks.send_question(
        context, "fetch"
    )  # a search would fail: the client has no list_conversations

    assert context.attempts["fetch"].outcome == "APIConnectionError"
    assert not finding.facts["works"]


def test_doctor_live_record_of_unreachable_site_has_no_details() -> None:
    attempt = LiveAttempt()
    attempt.record_error(ERROR)

    assert anonymize_message(ERROR) == attempt.message == "ChatGPT failed to refresh auth token. Error"
    assert attempt.status is None
