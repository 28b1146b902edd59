"""Command line of the benchmarks: `python -m benchmarks` measures, prints the table and writes the results."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any

import psutil
from rich.console import Console

from .burst import measure_bursts
from .clients import Clients
from .deltas import measure_deltas
from .first_reply.measure import measure_first_reply
from .memory import measure_memory
from .npm import install_npm
from .paced import measure_many, measure_paced
from .page.measure import measure_page
from .plain_text import measure_plain_text
from .plots import plot_delay, plot_time
from .report import summary, table
from .results import FOLDER, machine, write_results
from .serve import measure_serve
from .server import serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .figures import Row

FAMILIES = {
    "burst": measure_bursts,
    "deltas": measure_deltas,
    "plain-text": measure_plain_text,
    "paced": measure_paced,
    "many": measure_many,
    "first-reply": measure_first_reply,
    "page": measure_page,
    "serve": measure_serve,
    "memory": measure_memory,
}
PROTOCOLS = {"http1": False, "http2": True}
BUSY = 0.25

out = Console()
err = Console(stderr=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the selected benchmarks. Return 1 if --strict is given and a target is missed, otherwise 0."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    _warn_if_busy()
    rows, about = asyncio.run(_measure(options))

    whole = not (options.quick or options.only or options.protocol)
    folder = FOLDER if whole else FOLDER / "partial"
    path = write_results(rows, about, folder)
    caption = f"{about['date']} · {about['processor']}, {about['cores']} cores · Python {about['python']} · {about['browser']}"
    plot_time(rows, caption, folder / "time.png")
    plot_delay(rows, caption, folder / "delay.png")

    (out if out.is_terminal else Console(width=160)).print(table(rows))
    out.print(summary(rows) + (" (--quick: a smoke test, not a measurement)" if options.quick else ""))
    err.print(f"results: {path}")
    missed = any(row.best is not None and not row.best.is_met for row in rows)
    return int(options.strict and missed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench.sh", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows, in less than a minute")
    parser.add_argument("--only", action="append", choices=FAMILIES, metavar="NAME", help=", ".join(FAMILIES))
    parser.add_argument("--protocol", choices=PROTOCOLS, help="one protocol instead of both")
    parser.add_argument("--no-npm", action="store_true", help="do not measure the npm package")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a target is missed")
    return parser


def _warn_if_busy() -> None:
    load, cores = psutil.getloadavg()[0], os.cpu_count() or 1
    if load > BUSY * cores:
        err.print(
            f"[yellow]load average {load:.1f} on {cores} cores: other programs are running, so the figures will be noisy"
        )


async def _measure(options: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    with_npm = not (options.no_npm or options.quick) and await install_npm()
    rows: list[Row] = []
    about: dict[str, Any] = {}
    for protocol, http2 in PROTOCOLS.items():
        if options.protocol not in (None, protocol):
            continue
        async with serving(http2=http2) as address, Clients.open(address, with_npm=with_npm) as clients:
            about = about or machine()
            # In the order of FAMILIES, because the memory comes last: it closes the clients.
            for family, measure in FAMILIES.items():
                if family in (options.only or FAMILIES):
                    rows += await measure(clients, quick=options.quick, say=_say)
    return rows, about


def _say(what: str) -> None:
    err.print(what, style="dim")


if __name__ == "__main__":
    raise SystemExit(main())
