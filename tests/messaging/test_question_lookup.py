"""Looking for a message whose sender has ended: which conversations are read, and in which order."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from chatgpt_browser._messaging.question_lookup import look_up_question
from chatgpt_browser._protocol.stored_questions import SentMessage

if TYPE_CHECKING:
    from chatgpt_browser._core.models import QuestionRef

NOON = 1_800_000_000.0


class ListedConversations:
    """Takes the place of the backend: one conversation a minute was created since noon. The newest is listed first."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.read: list[str] = []

    async def request_json(self, method: str, path: str) -> Any:
        if "?" not in path:
            name = path.rpartition("/")[2]
            self.read.append(name)
            return {"mapping": {f"question of {name}": {}}}
        offset, limit = (int(value) for (value,) in parse_qs(urlsplit(path).query).values())
        return {"items": [self._item(n) for n in reversed(range(self.count))][offset : offset + limit]}

    def _item(self, number: int) -> dict[str, Any]:
        time = datetime.fromtimestamp(NOON + 60 * number, timezone.utc).isoformat()
        return {"id": f"c{number}", "title": "t", "create_time": time, "update_time": time}


def look_up(backend: Any, question_id: str, sending_at: float) -> QuestionRef | None:
    sent = SentMessage(sending_at, question_id=question_id)
    return asyncio.run(look_up_question(backend, sent))


def test_look_up_question_reads_the_conversation_of_that_time_first() -> None:
    """Since the message was sent, 48 other conversations have begun."""
    backend = ListedConversations(60)
    found = look_up(backend, "question of c11", NOON + 11 * 60 - 1)

    assert found is not None
    assert (found.conversation_id, found.question_id) == ("c11", "question of c11")
    assert backend.read == ["c11"]


def test_look_up_question_that_is_missing_reads_a_limited_number() -> None:
    backend = ListedConversations(300)

    assert look_up(backend, "nowhere", NOON) is None
    assert len(backend.read) == 10
