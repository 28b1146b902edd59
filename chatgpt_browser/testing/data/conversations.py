"""Conversations as trees of messages, and their conversion to the JSON of the backend."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Literal

#: The progress of a message. `finished`: complete. `in_progress`: more text follows. `interrupted` and `max_tokens`: the text was
#: cut off.
Progress = Literal["finished", "in_progress", "interrupted", "max_tokens"]


@dataclass
class Message:
    """One message, which is a node of a conversation's tree. The root of the tree has the role `root` and an empty text."""

    id: str
    #: The ID of the parent message; None for the root.
    parent: str | None
    #: The author of the message: `user`, `assistant`, `system` or `tool`; for the root, `root`.
    role: str
    text: str
    #: The IDs of the messages whose parent is this message.
    children: list[str] = field(default_factory=list)
    #: The time of creation in seconds since the epoch.
    create_time: float = field(default_factory=time.time)
    #: Fields that are added to the message's JSON. They replace fields with the same names.
    fields: dict[str, Any] = field(default_factory=dict)
    #: Fields that are added to the metadata of the message when the message is complete.
    final_metadata: dict[str, Any] = field(default_factory=dict)
    #: The pieces of the message that are not in `text` yet, in order. Each GET of the conversation moves one piece to `text` (see
    #: `Reply.handoff_after`).
    unsaid: list[str] = field(default_factory=list)
    #: The remaining states of a deep research (see `Aside.research`), oldest first. Each response with a state uses the first one
    #: and removes it. The last state is not removed, so all later responses contain it.
    widget_states: list[dict[str, Any]] = field(default_factory=list)
    #: The progress of the message. While `unsaid` is not empty, this field is ignored, because the message is in progress.
    progress: Progress = "finished"

    def say_more(self) -> None:
        """Move the first piece of `unsaid` to the end of `text`. If `unsaid` is empty, do nothing."""
        if self.unsaid:
            self.text += self.unsaid.pop(0)

    def next_widget_state(self) -> dict[str, Any]:
        """Return the first item of `widget_states` as metadata, or an empty dict if there is no item.

        Remove this item from the list, unless it is the only item.
        """
        if not self.widget_states:
            return {}
        state = self.widget_states.pop(0) if len(self.widget_states) > 1 else self.widget_states[0]
        return {"chatgpt_sdk": {"widget_state": json.dumps(state)}}

    def to_node(self) -> dict[str, Any]:
        """Return the JSON object of this node for the response to `GET /conversation/{id}`."""
        message = None if self.role == "root" else self.to_message()
        return {"id": self.id, "parent": self.parent, "children": [*self.children], "message": message}

    def to_message(self, **changes: Any) -> dict[str, Any]:
        """Return the message as a JSON object of the backend, with both the older field `role` and the newer field `author`.

        :param changes: fields that are added to the object. They replace fields with the same names.
        """
        message: dict[str, Any] = {
            "id": self.id,
            "author": {"role": self.role, "name": None, "metadata": {}},
            "role": self.role,
            "create_time": self.create_time,
            "update_time": None,
            "content": {"content_type": "text", "parts": [self.text]},
            "status": "finished_successfully",
            "end_turn": True if self.role == "assistant" else None,
            "weight": 1.0,
            "recipient": "all",
            "metadata": {},
        }
        metadata = {**self.fields.get("metadata", {})}
        if self.unsaid or self.progress == "in_progress":
            message |= {"status": "in_progress", "end_turn": None}
        elif self.progress == "finished":
            metadata |= self.final_metadata
        else:
            message |= {"status": "finished_partial_completion", "end_turn": None}
            metadata |= {**self.final_metadata, "finish_details": {"type": self.progress}}
        return {**message, **self.fields, "metadata": metadata, **changes}


@dataclass(frozen=True)
class LaterImage:
    """An image that will be finished after a number of GET requests for its conversation."""

    gets: int
    #: The ID of the task that makes the image. The message that announces the image contains this ID.
    task: str
    #: The fields of the message with the image.
    fields: dict[str, Any]
    #: True: the image becomes a child of the reply's newest message. False: the image replaces the message that announces it.
    is_child: bool = False


@dataclass
class Conversation:
    """A conversation: its messages by ID, and the ID of its newest message."""

    id: str
    title: str = "New chat"
    model: str = ""
    #: The time of creation in seconds since the epoch.
    create_time: float = field(default_factory=time.time)
    #: The time of the last change in seconds since the epoch.
    update_time: float = field(default_factory=time.time)
    messages: dict[str, Message] = field(default_factory=dict)
    #: The ID of the newest message.
    current_node: str = ""
    #: False if the conversation was deleted.
    is_visible: bool = True
    #: The images that will be finished later.
    later: list[LaterImage] = field(default_factory=list)

    def add(self, role: str, text: str, parent: str | None, message_id: str | None = None) -> Message:
        """Add a message as a child of `parent`, make it the newest message, and return it.

        If the conversation already has a message with this ID, that message becomes the newest message and is not changed.
        """
        message_id = message_id or str(uuid.uuid4())
        message = self.messages.get(message_id)
        if message is None:
            message = self.messages[message_id] = Message(message_id, parent, role, text)
            if parent in self.messages:
                self.messages[parent].children.append(message_id)

        self.current_node = message_id
        self.update_time = time.time()
        return message

    def add_aside(self, role: str, text: str, fields: dict[str, Any]) -> Message:
        """Call `add` for a side message (for example a thought or a tool call). Its parent is the newest message."""
        message = self.add(role, text, self.current_node)
        message.fields = fields
        return message

    def make_later_images(self) -> None:
        """Count one GET of the conversation, and finish each image in `later` whose number of GETs is reached."""
        counted = [replace(each, gets=each.gets - 1) for each in self.later]
        self.later = [each for each in counted if each.gets > 0]
        for image in counted:
            for message in [*self.messages.values()] if image.gets <= 0 else []:
                if message.fields.get("metadata", {}).get("image_gen_task_id") == image.task:
                    self._finish_image(image, message)

    def _finish_image(self, image: LaterImage, task: Message) -> None:
        if not image.is_child:
            task.fields = image.fields
            return
        parent, newest = task, self.current_node
        while below := [
            each for each in map(self.messages.get, parent.children) if each and each.role != "user"
        ]:
            parent = below[0]
        self.add("tool", "", parent.id).fields = image.fields
        if newest != parent.id:
            # The user has sent another message after the image was announced. The image must not become the newest message.
            self.current_node = newest

    def chain(self, message_id: str | None = None) -> list[Message]:
        """Return the messages from the first message to this message (default: the newest message). The root is not included."""
        messages = []
        message = self.messages.get(message_id or self.current_node)
        while message is not None:
            if message.role != "root":
                messages.append(message)
            message = self.messages.get(message.parent or "")

        return messages[::-1]

    def history(self, message_id: str | None = None) -> list[tuple[str, str]]:
        """Return the messages of `chain` as pairs of role and text."""
        return [(message.role, message.text) for message in self.chain(message_id)]

    def newest_question(self, message_id: str) -> Message | None:
        """Return the user's newest message in the chain that ends with this message, or None."""
        chain = self.chain(message_id) if message_id in self.messages else []
        return next((message for message in reversed(chain) if message.role == "user"), None)

    def to_item(self) -> dict[str, Any]:
        """Return the JSON object of this conversation for the list in the response to `GET /conversations`."""
        return {
            "id": self.id,
            "title": self.title,
            "create_time": _iso(self.create_time),
            "update_time": _iso(self.update_time),
        }

    def to_detail(self, *, has_widget_state: bool = False) -> dict[str, Any]:
        """Return the response body of `GET /conversation/{id}`.

        :param has_widget_state: if True, include the next state of a deep research in the metadata of the research's message.
        """
        if has_widget_state:
            for message in self.messages.values():
                metadata = message.fields.get("metadata", {}) | message.next_widget_state()
                if metadata:
                    message.fields = message.fields | {"metadata": metadata}
        return {
            "title": self.title,
            "create_time": self.create_time,
            "update_time": self.update_time,
            "mapping": {message.id: message.to_node() for message in self.messages.values()},
            "moderation_results": [],
            "current_node": self.current_node,
            "conversation_id": self.id,
            "is_archived": False,
            "default_model_slug": self.model or None,
            **({"async_status": 7} if self.later else {}),
        }

    def to_messages(self, turns: int) -> dict[str, Any]:
        """Return the response body of `GET /conversations/{id}`, with the messages of the newest `turns` turns.

        A turn begins with a message of the user. If `turns` is 0, all messages are included.
        """
        chain = self.chain()
        questions = [index for index, message in enumerate(chain) if message.role == "user"]
        first = questions[-turns] if 0 < turns < len(questions) else 0
        shown = chain[first:]
        return {
            "conversation_id": self.id,
            "title": self.title,
            "current_node": self.current_node,
            "messages": [message.to_message() for message in shown],
            "page_info": {
                "start_cursor": shown[0].id if shown else None,
                "end_cursor": shown[-1].id if shown else None,
                "has_previous_page": first > 0,
                "has_next_page": False,
            },
        }


def new_conversation(
    root_id: str | None = None, *, conversation_id: str | None = None, model: str = ""
) -> Conversation:
    """Return a conversation that contains only the root message.

    :param root_id: the ID of the root message, which the client has chosen. None: a random ID.
    :param conversation_id: the ID of the conversation. None: a random ID.
    """
    conversation = Conversation(conversation_id or str(uuid.uuid4()), model=model)
    conversation.add("root", "", None, root_id)
    return conversation


def _iso(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, timezone.utc).isoformat(timespec="microseconds")
