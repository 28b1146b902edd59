"""Completes models, efforts, conversations and logins, for the shell and for `chat`.

The names come from small files that earlier commands have saved, so no browser is started and no request is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress

import typer

from .environment import site_origin
from .settings.settings import Settings
from .state.conversation_lookup import remembered_conversations
from .state.data_folder import DataFolder
from .state.last_conversation import LAST
from .state.model_cache import ModelNames, remembered_models

#: The maximum number of completions, and the maximum length of the text that describes a completion.
_MAX_SHOWN, _MAX_HELP = 100, 60
#: Matches a value that the shell can insert without quotes.
_PLAIN = re.compile(r"[\w][\w.:-]*", re.ASCII)
#: Matches the characters that are removed from descriptions. Zsh evaluates descriptions, so a title could run a command.
_UNSAFE = re.compile(r"[^\w ,.+-]+")

Completion = tuple[str, str]


def complete_conversation_id(ctx: typer.Context, incomplete: str) -> list[Completion]:
    """Return the word `last`, and the conversations of the list that was shown most recently, with their titles."""
    return _of_settings(
        ctx, incomplete, lambda: [(LAST, "the conversation that was used last"), *conversations()]
    )


def complete_model(ctx: typer.Context, incomplete: str) -> list[Completion]:
    """Return the models of the list that the command `models` showed most recently, with their titles."""
    return _of_settings(ctx, incomplete, lambda: [(model.slug, model.title) for model in models()])


def complete_effort(ctx: typer.Context, incomplete: str) -> list[Completion]:
    """Return the efforts of the model in the command line, or of all models if the command line contains no known model."""
    return _of_settings(
        ctx, incomplete, lambda: [(effort, "") for effort in efforts(ctx.params.get("model"))]
    )


def complete_profile(ctx: typer.Context, incomplete: str) -> list[Completion]:
    """Return the names of the saved logins."""
    return _of_settings(ctx, incomplete, lambda: [(name, "") for name in DataFolder.names()])


def conversations() -> list[Completion]:
    """Return the ids and titles of the conversations in the list that was shown most recently."""
    return remembered_conversations(DataFolder.current(), site_origin())


def models() -> list[ModelNames]:
    """Return the models of the list that the command `models` showed most recently."""
    return remembered_models(DataFolder.current(), site_origin())


def efforts(model: str | None) -> list[str]:
    """Return the efforts of a model. If `models()` does not contain the model, return the efforts of all models."""
    known = models()
    chosen = [found for found in known if found.slug == model] or known
    return list(dict.fromkeys(effort for found in chosen for effort in found.efforts))


def _of_settings(
    ctx: typer.Context, incomplete: str, read: Callable[[], Iterable[Completion]]
) -> list[Completion]:
    """Call `read` with the settings of an incomplete command line. Return its results that begin with `incomplete`.

    After an error, for example in the config file, return an empty list: an error message would damage the command line.
    """
    found: Iterable[Completion] = ()
    settings = ctx.obj if isinstance(ctx.obj, Settings) else Settings()
    with suppress(typer.BadParameter, OSError, RuntimeError), settings.activated():
        found = read()
    return [
        (value, _UNSAFE.sub(" ", description)[:_MAX_HELP].strip())
        for value, description in found
        if value.startswith(incomplete) and _PLAIN.fullmatch(value)
    ][:_MAX_SHOWN]
