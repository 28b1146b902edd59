"""`Settings` contains the options of a `FakeChatGPT`. `USER` and `MODELS` are the default user and the default models."""

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

#: The models that every server accepts, although its list of models may lack them: the default model of this package's client,
#: and the model with which a page leaves the choice to the site.
ALWAYS_ACCEPTED_MODELS = ("text-davinci-002-render", "auto")
USER: dict[str, Any] = {
    "id": "user-fake0000000000000000",
    "name": "Ada Example",
    "email": "ada@example.com",
    "image": "https://example.com/ada.png",
    "picture": "https://example.com/ada.png",
    "groups": [],
    "features": [],
}
MODELS: list[dict[str, Any]] = [
    {
        "slug": "text-davinci-002-render",
        "max_tokens": 4097,
        "title": "Turbo (Default)",
        "description": "The fastest model, great for most everyday tasks.",
        "tags": [],
    },
    {
        "slug": "text-davinci-002-render-paid",
        "max_tokens": 4097,
        "title": "Legacy",
        "description": "An earlier model.",
        "tags": ["plus"],
    },
]


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
    pace: Pace | None = None
    strict: bool = False

    def accepts_model(self, model: str) -> bool:
        """Return whether the site has a model with this name."""
        return model in ALWAYS_ACCEPTED_MODELS or any(each.get("slug") == model for each in self.models)
