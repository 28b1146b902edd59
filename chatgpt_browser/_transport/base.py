"""The transport interface: how a message is handed to a transport, and what comes back.

Three transports implement :class:`Transport`: a fetch from the client's own page (``fetch.transport``), a page of the site's own
application (``site_ui.page_pool``), and an in-memory transport for unit tests (``memory``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from .._protocol.conversation_tree import Turn

if TYPE_CHECKING:
    from .._core.models import Prompt, Session
    from .response_stream import ResponseStream


class DeliveryState(Enum):
    """The progress of a message: ``NOT_STARTED -> IN_DOUBT -> SENT``, or directly ``NOT_STARTED -> SENT``.

    ``IN_DOUBT -> NOT_STARTED`` if the page can no longer send the message.
    """

    #: The message was not sent. It is safe to send it again.
    NOT_STARTED = "not started"
    #: The site's page was instructed to send the message, and no request has been observed yet.
    IN_DOUBT = "in doubt"
    #: The request with the message was sent.
    SENT = "sent"


@dataclass
class Delivery:
    """The progress of one attempt to send a message. The transport updates it, the sender reads it, also after an error."""

    state: DeliveryState = DeliveryState.NOT_STARTED
    #: The id of the message at the site; None until it is sent, or if the transport cannot observe it.
    message_id: str | None = None

    def start(self) -> None:
        """Record that the message is about to leave, and that its request may not be observed."""
        self.state = DeliveryState.IN_DOUBT

    def withdraw(self) -> None:
        """Record that the message did not leave, and that it can no longer do so."""
        self.state = DeliveryState.NOT_STARTED

    def confirm(self, message_id: str | None) -> None:
        """Record that the message was sent."""
        self.state, self.message_id = DeliveryState.SENT, message_id


@dataclass(frozen=True)
class OutgoingMessage:
    """One attempt to send a message, with everything that a transport may need for it."""

    prompt: Prompt
    model: str
    #: The id for the message, a UUID. The site's own page ignores it and chooses another.
    message_id: str
    session: Session
    #: The newest turn of the conversation; empty unless the transport has ``needs_newest_turn``.
    turn: Turn = Turn()
    #: The conversation's newest message, or else the parent of the message; None in a new conversation.
    after: str | None = None
    delivery: Delivery = field(default_factory=Delivery)


class Transport(Protocol):
    """A way to send messages to the site."""

    #: True if only the newest message of a conversation can be replied to, so that the newest turn has to be read first.
    needs_newest_turn: bool
    #: True if a message can be sent again after the site has refused its access token or has answered with a challenge.
    can_resend_refused: bool
    #: Advice for the caller if the site rejects a message of this transport as unusual activity.
    unusual_activity_advice: str

    async def send(self, message: OutgoingMessage) -> ResponseStream:
        """Send a message and return its response, usually before the response has begun.

        :raises ChatGPTError: the message could not be sent; ``message.delivery`` records whether it may have been.
        """
        ...

    async def shows(self, conversation_id: str, turn: Turn) -> bool:
        """Return whether this turn is known to be the newest of the conversation, so that it need not be read.

        Called only if the transport has ``needs_newest_turn``, directly before :meth:`send`.
        """
        ...

    async def close(self) -> None:
        """Stop sending. A call of :meth:`send` after this, or still in progress, raises :class:`ClientClosedError`."""
        ...
