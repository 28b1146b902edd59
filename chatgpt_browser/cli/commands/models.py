"""`chatgpt-browser models`: list the models of the account."""

from __future__ import annotations

from ..client_factory import client_for_command
from ..output.consoles import write_json
from ..output.tables import write_table
from ..output.wait_spinner import wait_spinner
from ..shared_options import AsJson, Headed, Verbose


def models(as_json: AsJson = False, headed: Headed = False, verbose: Verbose = 0) -> None:
    """List the models that the account can use.

    In a pipe, columns are separated by tabs: name, title, tokens.

    [dim]Examples:[/dim]

    chatgpt-browser models

    chatgpt-browser models --json | jq -r '.[].slug'
    """
    with client_for_command(headed=headed, verbose=verbose, as_json=as_json) as api:
        with wait_spinner("the list of models"):
            found = api.list_models()

        if as_json:
            write_json([{"slug": m.slug, "title": m.title, "max_tokens": m.max_tokens} for m in found])
        else:
            write_table(
                ("Model", "Title", "Tokens"),
                [(m.slug, m.title or "", "" if m.max_tokens is None else str(m.max_tokens)) for m in found],
            )
