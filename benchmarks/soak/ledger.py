"""Each message and what became of it: the books that have to balance in the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from chatgpt_browser import ChatGPTError

__all__ = ["Ledger"]


@dataclass
class Ledger:
    """Messages by their text, of which each is sent by one caller once.

    `taken` is the server's side: how often it took a message. A message that was refused and then sent again was taken once.
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
        """It has come through."""
        self.ended.add(message)
        self.replies += 1
        if text != expected:
            self.wrong.append(f"{message}: {text!r}")
        if not self.taken[message]:
            self.wrong.append(f"{message}: a reply to what the server never took")

    def leave(self, message: str) -> None:
        """Its caller did not want the rest."""
        self.ended.add(message)
        self.left += 1

    def error(self, message: str, error: BaseException) -> None:
        """It has ended in an error: one of the library's, or something is wrong."""
        self.ended.add(message)
        if isinstance(error, ChatGPTError):
            self.errors[type(error).__name__] += 1
        else:
            self.unexpected.append(f"{message}: {type(error).__name__}: {error}")

    @property
    def lost(self) -> list[str]:
        """Messages of which nobody ever heard again."""
        return sorted(self.begun - self.ended)

    @property
    def doubled(self) -> list[str]:
        """Messages that the server took more than once."""
        return sorted(message for message, count in self.taken.items() if count > 1)

    def complaints(self) -> list[str]:
        """What must not be, in words."""
        kinds = {
            "lost": self.lost,
            "doubled": self.doubled,
            "wrong": self.wrong,
            "unexpected": self.unexpected,
        }
        return [f"{kind}: {len(found)}, such as {found[0]}" for kind, found in kinds.items() if found]
