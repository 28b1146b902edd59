"""`source_of_test`: returns the source of a pytest test that repeats a conversation. The watch page shows this source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..script.reply_parts import CITATION_MARK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..data.conversations import Message


def source_of_test(chain: Sequence[Message]) -> str:
    """Return the source of a test that scripts the replies of a conversation and sends the user's messages again.

    :param chain: the messages of the conversation, oldest first.
    """
    turns = [turn for turn in _turns(chain) if turn[1] is not None]
    body = _rules(turns) if _are_distinct([text for text, _ in turns]) else _queue(turns)
    body.append("conversation = chatgpt_api.get_conversation()")
    body += [f"assert conversation.send_message({text!r}) == {reply!r}" for text, reply in turns]
    return "def test_conversation(chatgpt_server, chatgpt_api):\n" + "".join(f"    {line}\n" for line in body)


def _turns(chain: Sequence[Message]) -> list[tuple[str, Any]]:
    """Return each message of the user with the text of its answer, or with None if there is no answer yet."""
    turns: list[tuple[str, Any]] = []
    for message in chain:
        if message.role == "user":
            turns.append((message.text, None))
        elif message.role == "assistant" and turns and _is_visible(message):
            # The marks of citations are removed, because the client returns the text without them.
            turns[-1] = (turns[-1][0], CITATION_MARK.sub("", message.text))
    return turns


def _is_visible(message: Message) -> bool:
    content = message.fields.get("content", {}).get("content_type", "text")
    recipient = message.fields.get("recipient", "all")
    return (content, recipient) == ("text", "all")


def _are_distinct(texts: list[str]) -> bool:
    return all(texts) and len({*texts}) == len(texts)


def _rules(turns: list[tuple[str, Any]]) -> list[str]:
    # A rule also matches longer texts that contain its text. If several rules match, the newest is used. So the rules for longer
    # texts are added last.
    ordered = sorted(turns, key=lambda turn: len(turn[0]))
    return [f"chatgpt_server.when({text!r}, {reply!r})" for text, reply in ordered]


def _queue(turns: list[tuple[str, Any]]) -> list[str]:
    return [f"chatgpt_server.script({reply!r})" for _, reply in turns]
