"""Finds a client's account. The job store names an account by a hash of the site's origin and the user's id."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from .._core.text_hash import hash_text
from .._transport.browser_manager import moved_to

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Protocol, TypeVar

    from .._core.models import Session
    from .._store.pace_ledger import PaceLedger
    from .._transport.browser_manager import BrowserManager
    from .access_token import AccessTokenCache

    T = TypeVar("T")

    class WithLedger(Protocol):
        """Calls ``use`` with the job store's :class:`.PaceLedger`, in a worker thread, and returns the result.

        Returns ``default`` if the job store cannot be used.
        """

        def __call__(self, use: Callable[[PaceLedger], T], default: T) -> Awaitable[T]: ...


class PaceAccount:
    """Finds the name of the client's account.

    The id of the user is in the session, which must be requested from the site. To avoid this request, the job store contains the
    account of each session token that was used. The key is the hash of the token. The token itself is not stored.
    """

    def __init__(self, browser_manager: BrowserManager, tokens: AccessTokenCache) -> None:
        self._browser_manager = browser_manager
        self._tokens = tokens
        self._name: str | None = None
        #: The session tokens whose account is in the store.
        self._noted_tokens: set[str] = set()

    async def find(self, with_ledger: WithLedger, *, online: bool, now: float) -> str | None:
        """Return the name of the account, or None if it is unknown.

        :param online: if True, and the store does not contain the account, the session is requested from the site. If False, no
            request is sent.
        """
        token = self._browser_manager.session_token.value
        if self._name is None and token:
            self._name = await with_ledger(lambda ledger: ledger.find_account(token), None)
            self._noted_tokens = {token} if self._name is not None else set()
        if self._name is None and online:
            self._name = _name_of(self._browser_manager.site.origin, await self._tokens.get())
        if self._name is not None:
            await self._note_tokens(with_ledger, self._name, now)
        return self._name

    async def _note_tokens(self, with_ledger: WithLedger, name: str, now: float) -> None:
        """Store the account of each session token of this client: the current token, and tokens that the site has replaced."""
        tokens = {
            token.value
            for token in (*self._browser_manager.former_tokens, self._browser_manager.session_token)
        }
        for token in sorted(tokens - self._noted_tokens - {""}):
            self._noted_tokens.add(token)
            await with_ledger(functools.partial(_note, token, name, now), None)


def _note(token: str, name: str, now: float, ledger: PaceLedger) -> None:
    ledger.note_account(token, name, now)


def _name_of(origin: str, session: Session) -> str:
    # The site has two origins with the same accounts. An account has the same name for both origins.
    site = min(origin, moved_to(origin) or origin)
    return hash_text(f"{site}\n{session.user.id or session.user.email or ''}")
