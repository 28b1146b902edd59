"""The command `python -m chatgpt_browser.testing`, which runs a `FakeChatGPT`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from .faults.catalogue import FAULTS
from .script.steps import Pace, Reply
from .server.fake_chatgpt import FakeChatGPT

if TYPE_CHECKING:
    from collections.abc import Sequence

_DESCRIPTION = """Run a FakeChatGPT, a server that behaves like ChatGPT's site, for experiments and measurements. The first
line on standard output is a JSON object with its URLs and its session token."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a server until it is stopped, and return the exit code of the command.

    Ctrl-C and SIGTERM stop the server. With `--until-stdin-closes`, the end of standard input also stops it. The first line
    on standard output is a JSON object with the server's URLs and session token.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    if options.list_faults:
        sys.stdout.write(_list_of_faults())
        return 0

    reply = None
    if options.events is not None:
        reply = Reply(pieces=[options.piece] * options.events, interval=options.interval)
    server = FakeChatGPT(
        reply=reply,
        pace=None if options.pace is None else Pace(characters=options.pace),
        tls=options.tls,
        http2=False if options.no_http2 else None,
        challenge=options.challenge,
        form=options.form,
        public_origin=options.public_origin,
        port=options.port,
    )
    try:
        for name in options.fault:
            server.inject(name, options.times, probability=options.probability, seed=options.seed)
        for path in options.replay:
            server.replay(path)
    except (OSError, ValueError) as error:
        parser.error(str(error))

    _serve(server, until_stdin_closes=options.until_stdin_closes)
    return 0


def _serve(server: FakeChatGPT, *, until_stdin_closes: bool) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    with server:
        sys.stdout.write(json.dumps(_description(server)) + "\n")
        sys.stdout.flush()
        sys.stderr.write(
            f"FakeChatGPT is running at {server.origin}; press Ctrl-C to stop it.\nWatch page: {server.watch_url}\n"
        )
        if until_stdin_closes:
            threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()

        stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chatgpt_browser.testing", description=_DESCRIPTION)
    add = parser.add_argument
    add("--port", type=int, default=0, help="the port to listen on (default: a free port)")
    add("--tls", action="store_true", help="serve HTTPS and HTTP/2")
    add("--no-http2", action="store_true", help="with --tls: only HTTP/1.1")
    add("--challenge", choices=("passes", "person"), help="show a challenge page to new clients")
    add("--form", choices=("api", "app"), default="api", help="app: also serve a web application")
    add("--public-origin", help="the origin in the URLs, which a browser maps to this server")
    add("--events", type=int, help="answer every message with this number of events")
    add("--piece", default="word ", help="with --events: the text that each event adds")
    add("--interval", type=float, default=0, help="with --events: milliseconds between events")
    add("--pace", type=float, help="characters per second of every reply")
    add("--fault", action="append", default=[], metavar="NAME", help="a fault to inject (repeatable)")
    add("--times", type=int, help="the number of requests that each fault applies to (default: all)")
    add("--probability", type=float, default=1.0, help="the probability that a fault applies to a request")
    add("--seed", type=int, default=0, help="the seed of the random numbers for --probability")
    add("--list-faults", action="store_true", help="list all faults and exit")
    add("--replay", action="append", default=[], metavar="FILE", help="answer from a recording first")
    add("--until-stdin-closes", action="store_true", help="stop at the end of standard input")
    return parser


def _list_of_faults() -> str:
    width = max(map(len, FAULTS))
    return "".join(f"{name:{width}}  {fault.description}\n" for name, fault in FAULTS.items())


def _description(server: FakeChatGPT) -> dict[str, object]:
    authority = server.certificate_authority_pem
    return {
        "origin": server.origin,
        "host": server.host,
        "port": server.port,
        "api_base_url": server.api_base_url,
        "backend_api_base_url": server.backend_api_base_url,
        "watch_url": server.watch_url,
        # The token may be printed, because it is valid only for this fake server.
        "session_token": server.session_token,
        "certificate_authority_pem": None if authority is None else authority.decode(),
        "pid": os.getpid(),
    }


def _stop_at_end_of_input(stop: threading.Event) -> None:
    for _ in sys.stdin:
        pass

    stop.set()


if __name__ == "__main__":
    raise SystemExit(main())
