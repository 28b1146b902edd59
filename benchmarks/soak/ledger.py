"""Records of all messages and their outcomes, which must match at the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from chatgpt_browser import ChatGPTError

__all__ = ["Ledger"]


@dataclass
class Ledger:
    """Records of messages, identified by their text. A caller sends each message once.

    `taken` counts how often the server accepted a message. A message that was refused and sent again is accepted once.
    """

    begun: set[str] = field(default_factory=set)
    replies: int = 0
    left: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    ended: set[str] = field(default_factory=set)
    taken: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)

    def begin(self, message: str) -> None:
        self.begun.add(message)

    def reply(self, message: str, text: str, expected: str) -> None:
        """Record a complete reply."""
        self.ended.add(message)
        self.replies += 1
        if text != expected:
            self.wrong.append(f"{message}: {text!r}")
        if not self.taken[message]:
            self.wrong.append(f"{message}: a reply to a message that the server never accepted")

    def leave(self, message: str) -> None:
        """Record that the caller closed the stream early."""
        self.ended.add(message)
        self.left += 1

    def error(self, message: str, error: BaseException) -> None:
        """Record an error. Errors of other types than the library's are unexpected."""
        self.ended.add(message)
        if isinstance(error, ChatGPTError):
            self.errors[type(error).__name__] += 1
        else:
            self.unexpected.append(f"{message}: {type(error).__name__}: {error}")

    @property
    def lost(self) -> list[str]:
        """The messages without any outcome."""
        return sorted(self.begun - self.ended)

    @property
    def doubled(self) -> list[str]:
        """The messages that the server accepted more than once."""
        return sorted(message for message, count in self.taken.items() if count > 1)

    def complaints(self) -> list[str]:
        """Return a description of each kind of mismatch."""
        kinds = {
            "lost": self.lost,
            "doubled": self.doubled,
            "wrong": self.wrong,
            "unexpected": self.unexpected,
        }
        return [f"{kind}: {len(found)}, for example {found[0]}" for kind, found in kinds.items() if found]
