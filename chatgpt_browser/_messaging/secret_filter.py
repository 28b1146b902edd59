"""Removal of the session's secrets from error messages: a response may repeat a token."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._core.errors import APIStatusError, ChatGPTError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._transport.browser_manager import BrowserManager

#: A late response may still repeat a token that has been renewed meanwhile.
_REMEMBERED_TOKENS = 4
#: Characters. A shorter value is no secret and occurs in ordinary words: the token of a test, or the last character of a long
#: token if the browser stores that character in a separate cookie.
_MIN_SECRET_LENGTH = 12


class SecretFilter:
    """Removes the access tokens and session tokens that the client has used from errors."""

    def __init__(self, browser_manager: BrowserManager) -> None:
        self._browser_manager = browser_manager
        self._access_tokens: deque[str] = deque(maxlen=_REMEMBERED_TOKENS)

    def add_access_token(self, access_token: str) -> None:
        """Add a token to remove."""
        self._access_tokens.append(access_token)

    @contextmanager
    def hiding(self) -> Iterator[None]:
        """Remove secrets from an error that is raised in the block."""
        try:
            yield
        except ChatGPTError as exc:
            self.hide(exc)
            raise

    def hide(self, error: ChatGPTError) -> None:
        """Remove the client's tokens, and anything that has the form of a token, from the error's texts."""
        from .._protocol.redaction import without_secrets

        secrets = self._secrets()
        error.args = tuple(without_secrets([*error.args], secrets))
        if isinstance(error, APIStatusError):
            error.detail = without_secrets(error.detail, secrets)
            error.code, error.body = without_secrets([error.code, error.body], secrets)

    def _secrets(self) -> list[str]:
        browser = self._browser_manager
        secrets = [*self._access_tokens]
        for token in (browser.session_token, *browser.former_tokens):
            secrets += [token.value, *(cookie["value"] for cookie in token.cookies(browser.site.origin))]
        return [secret for secret in secrets if len(secret) >= _MIN_SECRET_LENGTH]
