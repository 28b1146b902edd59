"""The transport interface: :class:`OutgoingMessage` is its input, and a :class:`ResponseStream` is its result.

Three classes implement :class:`Transport`. ``fetch.transport`` sends a message with ``fetch`` from the client's own page.
``site_ui.page_pool`` sends it through a page of the site's own application. ``memory`` is an in-memory transport for unit tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from .._protocol.conversation_tree import Turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .._core.models import Prompt, Session
    from .response_stream import ResponseStream


class DeliveryState(Enum):
    """The progress of a message: ``NOT_STARTED -> IN_DOUBT -> SENT``, or directly ``NOT_STARTED -> SENT``.

    The state changes from ``IN_DOUBT`` back to ``NOT_STARTED`` if it is certain that the page will not send the message.
    """

    #: The message was not sent. Sending the message again is safe.
    NOT_STARTED = "not started"
    #: The site's page was instructed to send the message, but its request has not been observed yet.
    IN_DOUBT = "in doubt"
    #: The request with the message was sent.
    SENT = "sent"


@dataclass
class Delivery:
    """The progress of one attempt to send a message.

    The transport updates this object. The sender reads it, even if the attempt has failed with an error.
    """

    state: DeliveryState = DeliveryState.NOT_STARTED
    #: The id that the site uses for the message. None until the message is sent, or if the transport cannot observe the id.
    message_id: str | None = None
    #: False if the site's page has sent a request in an unknown format, so that its content could not be checked.
    is_checked: bool = True
    #: The transport awaits this function directly before it sends the message. If the function raises, nothing is sent.
    before_start: Callable[[], Awaitable[None]] | None = None

    async def announce(self) -> None:
        """Call ``before_start``. Only the first call of this method has an effect.

        A transport calls this method directly before it sends the message, or before it instructs the page to send the message.
        """
        before_start, self.before_start = self.before_start, None
        if before_start is not None:
            await before_start()

    def start(self) -> None:
        """Set the state to ``IN_DOUBT``. Called directly before the site's page is instructed to send the message."""
        self.state = DeliveryState.IN_DOUBT

    def withdraw(self) -> None:
        """Set the state to ``NOT_STARTED``. Called when it is certain that the message was not sent and will not be sent."""
        self.state = DeliveryState.NOT_STARTED

    def confirm(self, message_id: str | None) -> None:
        """Set the state to ``SENT``, and store the message's id."""
        self.state, self.message_id = DeliveryState.SENT, message_id


@dataclass(frozen=True)
class OutgoingMessage:
    """The input of :meth:`Transport.send`: all data that a transport may need to send one message."""

    prompt: Prompt
    model: str
    #: The id for the message, a UUID. The site's own page ignores this id and chooses another id.
    message_id: str
    session: Session
    #: The newest turn of the conversation. It is empty if the transport's ``needs_newest_turn`` is False.
    turn: Turn = Turn()
    #: The id of the message that this message follows. If the sender has read the newest turn, this is the conversation's newest
    #: message. Otherwise, it is the caller's ``parent_message_id``. None in a new conversation.
    after: str | None = None
    delivery: Delivery = field(default_factory=Delivery)


class Transport(Protocol):
    """A way to send messages to the site."""

    #: True if this transport can reply only to the newest message of a conversation. The sender then reads the newest turn first.
    needs_newest_turn: bool
    #: True if the site's page may refresh its session before it sends a message. The site may then replace the session token.
    may_renew_session: bool
    #: True if a message has the id that the client chose. False if the site's page chooses another id.
    keeps_message_id: bool
    #: True if a message can be sent again after the site has refused its access token or has answered with a challenge.
    can_resend_refused: bool
    #: The advice in the error message if the site rejects a message of this transport as unusual activity.
    unusual_activity_advice: str

    async def send(self, message: OutgoingMessage) -> ResponseStream:
        """Send a message and return the stream of its response. The response has usually not begun yet.

        :raises ChatGPTError: sending failed. Even then, the message may have been sent; see ``message.delivery``.
        """
        ...

    async def shows(self, conversation_id: str, turn: Turn) -> bool:
        """Return whether a page of this transport shows the conversation with ``turn`` as the conversation's newest turn.

        If the result is True, the sender does not need to read the newest turn from the backend. This method is called directly
        before :meth:`send`, and only if ``needs_newest_turn`` is True.
        """
        ...

    async def close(self) -> None:
        """Stop sending. Current and later calls of :meth:`send` raise :class:`ClientClosedError`."""
        ...
