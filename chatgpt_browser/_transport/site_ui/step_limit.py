"""The time limit for all steps of a message on the site's page together."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from ..._core.errors import PageError
from ..base import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base import Delivery

#: The number of steps that have the limit of the call each.
_STEPS = 5
#: Additional limit in seconds for Playwright's queries, which have no limit: a page whose script never ends blocks them.
_QUERIES_TIMEOUT = 60.0
#: The limit in seconds if the caller has set no limit.
_NO_LIMIT = 3600.0


@contextmanager
def limit_steps(timeout: float, delivery: Delivery) -> Iterator[None]:
    """Limit all steps of the block together. ``timeout`` is the limit of one step in seconds.

    :raises PageError: the page does not respond.
    """
    with anyio.move_on_after(min(_STEPS * timeout, _NO_LIMIT) + _QUERIES_TIMEOUT) as scope:
        yield
    if scope.cancelled_caught:
        is_unsent = delivery.state is DeliveryState.NOT_STARTED
        state = (
            "Nothing was sent."
            if is_unsent
            else "The message may have been sent: check the conversation first."
        )
        raise PageError(f"The site's page does not respond. {state}")
