"""`Settings` contains the options of a `FakeChatGPT`. `USER` is the default user."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from ..script.responses import ChallengeKind
    from ..script.scripted import Scripted
    from ..script.steps import Encoding, Pace

#: `api`: the server has only the API endpoints. `app`: the server also has a web application, and accepts a message only from
#: the page of this application.
Form = Literal["api", "app"]

USER: dict[str, Any] = {
    "id": "user-fake0000000000000000",
    "name": "Ada Example",
    "email": "ada@example.com",
    "image": "https://example.com/ada.png",
    "picture": "https://example.com/ada.png",
    "groups": [],
    "features": [],
}


@dataclass(frozen=True)
class Settings:
    """The options of a `FakeChatGPT`; see the parameters of that class."""

    secure: bool
    replies: Sequence[Scripted]
    reply: Scripted | None
    session_token: str | None = field(repr=False)
    #: The lifetime in milliseconds, or as a `timedelta`.
    access_token_lifetime: float | timedelta
    rotation: bool | Sequence[str] = field(repr=False)
    challenge: ChallengeKind | None
    one_message_at_a_time: bool
    encoding: Encoding
    form: Form
    user: dict[str, Any]
    models: list[dict[str, Any]]
    #: The names of the models for which messages are accepted.
    accepted_models: frozenset[str]
    pace: Pace | None = None
    strict: bool = False
