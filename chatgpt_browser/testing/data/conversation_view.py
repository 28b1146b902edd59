"""`ConversationView`: how the page of the web application loads a conversation, shows its messages and sets its address."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

#: `conversation`: `GET /conversation/{id}`, a tree. `conversations`: `GET /conversations/{id}`, a list of messages with
#: `page_info`. `batch`: `POST /conversations/batch`, a list of conversations.
Loading = Literal["conversation", "conversations", "batch"]
#: `message`: `data-message-id`. `turn`: `data-turn-key`. `search`: `data-chatgpt-search-message-ids`, which also contains
#: another id. `selection`: `data-chatgpt-selection-message-id`. `none`: no attribute contains an id.
MessageIds = Literal["message", "turn", "search", "selection", "none"]
#: The address of a new conversation until it gets its own. `home`: that of a new chat. `temporary`: `/c/WEB:<uuid>`, from
#: the moment when the message is sent.
FirstAddress = Literal["home", "temporary"]


@dataclass(frozen=True)
class ConversationView:
    """The behaviour of the web application in conversations (only with `form="app"`).

        >>> server.conversation_view = ConversationView(loading="batch", message_ids="search", address_after=1)

    :raises ValueError: for an unknown word or a negative time.
    """

    loading: Loading = "conversation"
    message_ids: MessageIds = "message"
    first_address: FirstAddress = "home"
    #: Seconds from the end of the first reply until a new conversation gets its address; None: at its first event.
    address_after: float | None = None
    #: The name of a project: the addresses of conversations are `/g/<project>/c/<id>`.
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
        """Return the fields for the page's scripts."""
        return asdict(self)
