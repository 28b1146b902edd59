"""Removes the session's secrets from errors. An error may quote a response, and the response may contain a token."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._core.errors import APIStatusError, ChatGPTError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._transport.browser_manager import BrowserManager

#: This number of access tokens (the newest ones) is stored, so that they can be removed from errors. More than one is stored,
#: because a late response may contain an old token.
_REMEMBERED_TOKENS = 4
#: The minimum length of a secret in characters. A shorter value is not removed, because it may occur in ordinary words. Short
#: values occur in tests, and as the last part of a long token, because the site divides a long token between several cookies.
_MIN_SECRET_LENGTH = 12


class SecretFilter:
    """Removes the client's access tokens and session tokens from errors, including tokens that were replaced recently."""

    def __init__(self, browser_manager: BrowserManager) -> None:
        self._browser_manager = browser_manager
        self._access_tokens: deque[str] = deque(maxlen=_REMEMBERED_TOKENS)

    def add_access_token(self, access_token: str) -> None:
        """Add an access token to the secrets that are removed."""
        self._access_tokens.append(access_token)

    @contextmanager
    def hiding(self) -> Iterator[None]:
        """If the block raises an error of this package, remove the secrets from the error."""
        try:
            yield
        except ChatGPTError as exc:
            self.hide(exc)
            raise

    def hide(self, error: ChatGPTError) -> None:
        """Remove the client's tokens from the error's texts, and also any other text that has the form of a token."""
        from .._protocol.redaction import without_secrets

        secrets = self.known_secrets()
        error.args = tuple(without_secrets([*error.args], secrets))
        if isinstance(error, APIStatusError):
            error.detail = without_secrets(error.detail, secrets)
            error.code, error.body = without_secrets([error.code, error.body], secrets)

    def known_secrets(self) -> list[str]:
        """Return the tokens, and the values of the session cookies. Secrets with fewer than 12 characters are not included."""
        browser = self._browser_manager
        secrets = [*self._access_tokens]
        for token in (browser.session_token, *browser.former_tokens):
            secrets += [token.value, *(cookie["value"] for cookie in token.cookies(browser.site.origin))]
        return [secret for secret in secrets if len(secret) >= _MIN_SECRET_LENGTH]
