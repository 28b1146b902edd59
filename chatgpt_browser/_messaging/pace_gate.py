"""Applies the user's pace, and the limits that the site has reported, to each message and to each read of a conversation."""

from __future__ import annotations

import asyncio
import time
import weakref
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import anyio
import anyio.to_thread

from .._core.errors import APIStatusError, JobStoreError, RateLimitError
from .._core.log import logger
from .._core.pace import CONVERSATIONS, UNUSUAL_ACTIVITY, KnownLimit, PaceRules, PaceState, limit_of
from .._transport.base import DeliveryState
from .pace_account import PaceAccount

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import TypeVar

    from .._core.models import Prompt
    from .._core.options import Options
    from .._store.pace_ledger import PaceLedger
    from .._transport.browser_manager import BrowserManager
    from .access_token import AccessTokenCache
    from .lease import MessageLease

    T = TypeVar("T")

#: The maximum time in seconds between two reads of the store while a message waits. The store must be read again because another
#: process may have stored a limit, and SQLite does not notify this process.
_LONGEST_SLEEP = 10.0
#: Waits of less than this number of seconds are not logged.
_SHORT_WAIT = 1.0


class Stoppable(Protocol):
    """A queue of messages that ends when the site reports unusual activity."""

    def stop(self, error: BaseException) -> None:
        """Stop sending messages because of ``error``. The messages in flight continue."""
        ...


class PaceGate:
    """Lets messages pass one after another, as the pace of the account allows.

    If the gate uses no store, it applies only the limits that this client has received. If the gate uses the store, the sent
    messages and the limits are shared with all processes that use the same account and the same store.

    :param clock: a function that returns the time in seconds since the epoch.
    """

    def __init__(
        self,
        options: Options,
        browser_manager: BrowserManager,
        tokens: AccessTokenCache,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rules = PaceRules(options.min_interval, options.messages_per_hour)
        self._path = options.job_store
        self._account = PaceAccount(browser_manager, tokens)
        self._clock = clock
        self._sleep = asyncio.sleep
        self._limits: dict[str, KnownLimit] = {}
        self._ledger: PaceLedger | None = None
        self._uses_store = self._rules.is_set
        self._stoppables: weakref.WeakSet[Stoppable] = weakref.WeakSet()
        # A message holds this lock while it waits, so that messages pass in the order of their calls.
        self._turn = asyncio.Lock()

    def use_store(self) -> None:
        """Share the limits and the sent messages with other processes from now on. The store is opened on first use."""
        self._uses_store = True

    def forget_limits(self) -> None:
        """Forget the limits that this client has received. The limits in the store do not change.

        Only tests call this method, because several tests share one client.
        """
        self._limits.clear()

    def stop_on_unusual_activity(self, queue: Stoppable) -> None:
        """Register a queue that is stopped when the site reports unusual activity. Only a weak reference to the queue is kept."""
        self._stoppables.add(queue)

    # ---- messages ----------------------------------------------------------------------------------------------------

    async def check(self, prompt: Prompt, model: str) -> None:
        """Check that the limits allow the message. No request is sent, and the message is not counted.

        :raises UnusualActivityError: the site has reported unusual activity since ``prompt.queued_at``.
        :raises RateLimitError: a remembered limit has not ended, or ``messages_per_hour`` is reached.
        """
        now = self._clock()
        state = await self._state(online=False)
        state.check_sending(now, queued_at=prompt.queued_at, model=model)
        state.wait_before_sending(self._rules, now)

    def check_again(self, prompt: Prompt, model: str) -> None:
        """Check again that no limit stops the message. Only the limits that this client has received are checked, not the store.

        :raises UnusualActivityError: the site has reported unusual activity since ``prompt.queued_at``.
        :raises RateLimitError: a remembered limit has not ended.
        """
        state = PaceState(limits=tuple(self._limits.values()))
        state.check_sending(self._clock(), queued_at=prompt.queued_at, model=model)

    @asynccontextmanager
    async def sending(self, prompt: Prompt, model: str, lease: MessageLease) -> AsyncIterator[None]:
        """Wait until the message may be sent. Then run the block, in which the caller sends the message.

        If the block raises an error that contains a limit, the limit is remembered. A message that was not sent is not counted.

        :raises UnusualActivityError: the site has reported unusual activity since ``prompt.queued_at``.
        :raises RateLimitError: a remembered limit has not ended, or ``messages_per_hour`` is reached.
        :raises JobStoreError: the user has set a pace, and the store cannot be used.
        """
        async with self._turn:
            record = await self._enter(prompt, model)
        try:
            yield
        except APIStatusError as error:
            await self.note(error, model)
            raise
        finally:
            delivery = lease.delivery
            is_sent = delivery is not None and delivery.state is not DeliveryState.NOT_STARTED
            with anyio.CancelScope(shield=True):
                await self._settle(record, is_sent=is_sent)

    async def _enter(self, prompt: Prompt, model: str) -> int | None:
        """Wait until the message may be sent. Return the id of its record in the store, or None if there is no record."""
        is_logged = False
        while True:
            seconds, record = await self._reserve(prompt, model)
            if seconds <= 0:
                return record
            if seconds >= _SHORT_WAIT and not is_logged:
                interval = f"min_interval is {self._rules.min_interval:g} s"
                logger.info("waiting %.0f s: %s", seconds, interval, extra={"chatgpt_event": "waiting"})
                is_logged = True
            await self._sleep(min(seconds, _LONGEST_SLEEP))

    async def _reserve(self, prompt: Prompt, model: str) -> tuple[float, int | None]:
        now = self._clock()

        def wait(state: PaceState) -> float:
            state.check_sending(now, queued_at=prompt.queued_at, model=model)
            return state.wait_before_sending(self._rules, now)

        self.check_again(prompt, model)
        if not self._uses_store:
            return 0.0, None
        account = await self._find_account(online=True)
        if account is None:
            return 0.0, None
        return await self._with_ledger(lambda ledger: ledger.reserve(account, now, wait), (0.0, None))

    async def _settle(self, record: int | None, *, is_sent: bool) -> None:
        """Store the time at which a message was sent. If the message was not sent, delete its record."""
        if record is None:
            return
        now = self._clock()
        try:
            if is_sent:
                await self._with_ledger(lambda ledger: ledger.confirm(record, now), None)
            else:
                await self._with_ledger(lambda ledger: ledger.withdraw(record), None)
        except JobStoreError as error:
            # The record stays in the store, with the time at which the message was allowed.
            logger.warning("the time of a message was not stored: %s", error)

    # ---- reading conversations ---------------------------------------------------------------------------------------

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Check that conversations may be read. Then run the block, in which the caller reads a conversation.

        If the block raises a :class:`RateLimitError`, the limit is remembered.

        :raises RateLimitError: a remembered limit has not ended.
        """
        (await self._state(online=False)).check_reading(self._clock())
        try:
            yield
        except RateLimitError as error:
            error.scope = error.scope or CONVERSATIONS
            await self.note(error)
            raise

    # ---- limits ------------------------------------------------------------------------------------------------------

    async def note(self, error: APIStatusError, model: str = "") -> None:
        """Remember the limit that an error of the site contains. If the error contains no limit, do nothing."""
        limit = limit_of(error, model=model, now=self._clock())
        if limit is None:
            return
        self._limits[limit.name] = limit
        if limit.name == UNUSUAL_ACTIVITY:
            for queue in [*self._stoppables]:
                queue.stop(error)
        if not self._uses_store:
            return
        try:
            account = await self._find_account(online=False)
            if account is not None:
                await self._with_ledger(lambda ledger: ledger.remember(account, limit), None)
        except JobStoreError as exc:
            logger.warning("the limit was not stored, so other processes do not know it: %s", exc)

    async def _state(self, *, online: bool) -> PaceState:
        """Return the limits that this client has received, together with the account's messages and limits from the store.

        If the account is unknown, return only the limits that this client has received.

        :param online: if True, the session may be requested from the site to find the account.
        """
        own = tuple(self._limits.values())
        account = await self._find_account(online=online) if self._uses_store else None
        if account is None:
            return PaceState(limits=own)
        stored = await self._with_ledger(lambda ledger: ledger.state(account), PaceState())
        return PaceState(stored.sent_at, (*own, *stored.limits))

    # ---- the store ---------------------------------------------------------------------------------------------------

    async def _find_account(self, *, online: bool) -> str | None:
        return await self._account.find(self._with_ledger, online=online, now=self._clock())

    async def _with_ledger(self, use: Callable[[PaceLedger], T], default: T) -> T:
        """Call ``use(ledger)`` in a worker thread and return its result.

        If the store cannot be used, and the user has not set a pace, log a warning and return ``default``. After that, the gate
        does not use the store.

        :raises JobStoreError: the user has set a pace, and the store cannot be used.
        """
        if not self._uses_store:
            return default
        try:
            return await anyio.to_thread.run_sync(self._call, use)
        except JobStoreError as error:
            if self._rules.is_set:
                raise
            self._uses_store = False
            logger.warning("limits are not shared with other processes: %s", error)
            return default

    def _call(self, use: Callable[[PaceLedger], T]) -> T:
        if self._ledger is None:
            # Imported on first use, because most programs do not use the store.
            from .._store.pace_ledger import PaceLedger

            try:
                self._ledger = PaceLedger(self._path)
            except RuntimeError as exc:
                raise JobStoreError(f"The job store has no folder: {exc}.") from exc
        return use(self._ledger)

    async def close(self) -> None:
        """Close the store. A later call opens it again."""
        if self._ledger is not None:
            await anyio.to_thread.run_sync(self._ledger.close)
