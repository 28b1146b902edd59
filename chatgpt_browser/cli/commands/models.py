"""`chatgpt-browser models`: which models the account may use."""

from __future__ import annotations

from ..account import account
from ..output.consoles import write_json
from ..output.tables import write_table
from ..output.waiting import waiting
from ..parameters import AsJson, Headed, Verbose


def models(as_json: AsJson = False, headed: Headed = False, verbose: Verbose = 0) -> None:
    """List the models that the account may use.

    In a pipe the columns are separated by tabs: name, title, tokens.

    [dim]Examples:[/dim]

    chatgpt-browser models

    chatgpt-browser models --json | jq -r '.[].slug'
    """
    with account(headed=headed, verbose=verbose, as_json=as_json) as api:
        with waiting("the list of models"):
            found = api.list_models()

        if as_json:
            write_json([{"slug": m.slug, "title": m.title, "max_tokens": m.max_tokens} for m in found])
        else:
            write_table(
                ("Model", "Title", "Tokens"),
                [(m.slug, m.title or "", "" if m.max_tokens is None else str(m.max_tokens)) for m in found],
            )
