"""Limits the total time of several steps on the site's page, such as writing a message, attaching files and clicking Send."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from ..._core.errors import PageError
from ..base import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base import Delivery

#: Factor: the limit for all steps together is this many times the limit of one step.
_STEPS = 5
#: Seconds that are added to the limit for all steps, for Playwright's queries. Playwright itself does not limit a query, and a
#: page whose script never ends blocks the query.
_QUERIES_TIMEOUT = 60.0
#: The maximum in seconds for `_STEPS` times the limit of one step. It applies if the caller has set no limit (infinity).
_NO_LIMIT = 3600.0


@contextmanager
def limit_steps(timeout: float, delivery: Delivery) -> Iterator[None]:
    """Limit the total time of the steps in the ``with`` block. ``timeout`` is the limit of one step in seconds.

    :raises PageError: the steps did not end within the limit, because the page does not respond.
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
