"""The account of a client, as the store names it: a hash of the site's origin and the id of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        """Calls a function with the ledger in a worker thread, and returns its result or a default."""

        def __call__(self, use: Callable[[PaceLedger], T], default: T) -> Awaitable[T]: ...


class PaceAccount:
    """Finds the name of the client's account.

    The session contains the id of the user, and reading the session takes a request. Therefore the store keeps the account of
    each session token that was used, under the hash of the token. The token itself is not stored.
    """

    def __init__(self, browser_manager: BrowserManager, tokens: AccessTokenCache) -> None:
        self._browser_manager = browser_manager
        self._tokens = tokens
        self._name: str | None = None
        #: The newest session token whose account is in the store.
        self._noted_token = ""

    async def find(self, with_ledger: WithLedger, *, online: bool, now: float) -> str | None:
        """Return the name of the account, or None if it is unknown.

        :param online: if True, and the account of the session token is unknown, read the session from the site.
        """
        token = self._browser_manager.session_token.value
        if self._name is None and token:
            self._name = await with_ledger(lambda ledger: ledger.find_account(token), None)
            self._noted_token = token if self._name is not None else ""
        if self._name is None and online:
            self._name = _name_of(self._browser_manager.site.origin, await self._tokens.get())
        name, token = self._name, self._browser_manager.session_token.value
        if name is not None and token and token != self._noted_token:
            self._noted_token = token
            await with_ledger(lambda ledger: ledger.note_account(token, name, now), None)
        return self._name


def _name_of(origin: str, session: Session) -> str:
    from .._store.pace_ledger import hash_secret

    # The site has two origins. Both have the same accounts.
    site = min(origin, moved_to(origin) or origin)
    return hash_secret(f"{site}\n{session.user.id or session.user.email or ''}")
