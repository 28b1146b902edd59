"""`chatgpt-browser models`: list the models of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..client_factory import client_for_command
from ..output.consoles import write_json
from ..output.tables import write_table
from ..output.wait_spinner import wait_spinner
from ..shared_options import AsJson, Headed, NoBackground, Verbose
from ..state.model_cache import remember_models

if TYPE_CHECKING:
    from chatgpt_browser import Model


def models(
    as_json: AsJson = False,
    headed: Headed = False,
    no_background: NoBackground = False,
    verbose: Verbose = 0,
) -> None:
    """List the models that the account can use.

    In a pipe, columns are separated by tabs: name, title, maximum number of tokens and, if any model has them, efforts.

    Examples:

    chatgpt-browser models

    chatgpt-browser models --json | jq -r '.[].slug'
    """
    with client_for_command(
        headed=headed, verbose=verbose, as_json=as_json, use_background=not no_background
    ) as api:
        with wait_spinner("the list of models"):
            found = api.list_models()
        remember_models(found)

        if as_json:
            write_json([model_object(model) for model in found])
        else:
            write_table(*model_table(found))


def model_table(models: list[Model]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the names of the columns, and the rows. There is a column for efforts only if at least one model has efforts."""
    rows = [
        (model.slug, model.title or "", "" if model.max_tokens is None else str(model.max_tokens))
        for model in models
    ]
    if not any(model.efforts for model in models):
        return ("Model", "Title", "Tokens"), [*rows]
    efforts = [(*row, " ".join(model.efforts)) for row, model in zip(rows, models, strict=True)]
    return ("Model", "Title", "Tokens", "Efforts"), [*efforts]


def model_object(model: Model) -> dict[str, Any]:
    """Return the JSON object that `--json` writes for a model. Efforts and presets are left out if they are empty."""
    fields = {"slug": model.slug, "title": model.title, "max_tokens": model.max_tokens}
    names = ("efforts", "default_effort", "presets")
    return fields | {name: value for name in names if (value := getattr(model, name))}
