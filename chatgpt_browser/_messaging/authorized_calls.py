"""Calls with an access token, repeated if the site refused them before it accepted them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from .._core.options import Options
    from .._transport.browser_manager import BrowserManager
    from .access_token import AccessTokenCache
    from .secret_filter import SecretFilter

T = TypeVar("T")


class AuthorizedCalls:
    """Runs calls of the site that need an access token."""

    def __init__(
        self,
        options: Options,
        browser_manager: BrowserManager,
        tokens: AccessTokenCache,
        secrets: SecretFilter,
    ) -> None:
        self._options = options
        self._browser_manager = browser_manager
        self._tokens = tokens
        self._secrets = secrets

    async def run(self, call: Callable[[str], Awaitable[T]], *, resend_refused: bool = True) -> T:
        """Call ``call`` with an access token, and again if the policy in :mod:`.retry` allows it.

        :param resend_refused: False if a refused token and a challenge are not retried.
        :raises ChatGPTError: the error of the last attempt, without secrets.
        """
        from .retry import RetryPolicy, retrying_send

        access_token = ""

        async def attempt() -> T:
            nonlocal access_token
            access_token = (await self._tokens.get()).access_token
            with self.guarding():
                return await call(access_token)

        async def renew_token(error: Exception) -> None:
            self._tokens.reject(access_token)

        async def pass_challenge(error: Exception) -> None:
            await self._browser_manager.pass_challenge()

        policy = RetryPolicy(
            retries=self._options.retries,
            renew_token=renew_token if resend_refused else None,
            pass_challenge=pass_challenge if resend_refused else None,
        )
        return await retrying_send(attempt, policy)

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Remove secrets from an error that is raised in the block, and note that the site has moved."""
        with self._secrets.hiding(), self._browser_manager.noting_origin_error():
            yield
