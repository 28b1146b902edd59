"""`ConversationView`: options that select how the page of the web application loads and shows conversations."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

#: The request that loads a conversation. `conversation`: `GET /conversation/{id}`, which returns a tree. `conversations`:
#: `GET /conversations/{id}`, which returns a list of messages with `page_info`. `batch`: `POST /conversations/batch`, which
#: returns a list of conversations.
Loading = Literal["conversation", "conversations", "batch"]
#: The attribute of the page's elements that contains the id of a message. `message`: `data-message-id`. `turn`:
#: `data-turn-key`. `search`: `data-chatgpt-search-message-ids`, which also contains another id. `selection`:
#: `data-chatgpt-selection-message-id`. `none`: no attribute contains an id.
MessageIds = Literal["message", "turn", "search", "selection", "none"]
#: The page's address while a new conversation does not have its final address yet. `home`: the page keeps the address of a new
#: chat. `temporary`: the page has the address `/c/WEB:<uuid>` from the moment when the message is sent.
FirstAddress = Literal["home", "temporary"]


@dataclass(frozen=True)
class ConversationView:
    """Options that select how the web application loads and shows conversations. They have an effect only with `form="app"`.

        >>> server.conversation_view = ConversationView(loading="batch", message_ids="search", address_after=1)

    :raises ValueError: if a field has an unknown value, or if `address_after` is negative.
    """

    loading: Loading = "conversation"
    message_ids: MessageIds = "message"
    first_address: FirstAddress = "home"
    #: Seconds from the end of the first reply until a new conversation gets its final address. None: the conversation gets the
    #: address at the first event of the reply.
    address_after: float | None = None
    #: The name of a project to which all conversations belong. Their addresses are then `/g/<project>/c/<id>`. None: no project.
    project: str | None = None

    def __post_init__(self) -> None:
        for name, kind in (
            ("loading", Loading),
            ("message_ids", MessageIds),
            ("first_address", FirstAddress),
        ):
            if getattr(self, name) not in get_args(kind):
                raise ValueError(f"{name} must be one of {get_args(kind)}, not {getattr(self, name)!r}")
        if self.address_after is not None and self.address_after < 0:
            raise ValueError(f"address_after must not be negative: {self.address_after}")

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a dict, which the page's scripts read as JSON."""
        return asdict(self)
