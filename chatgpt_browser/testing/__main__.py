"""`python -m chatgpt_browser.testing`: a FakeChatGPT to try things on, or to measure against."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from .faults.catalogue import FAULTS
from .script.pace import Pace
from .script.steps import Reply
from .server.fake_chatgpt import FakeChatGPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .script.script import Scripted


def main(argv: Sequence[str] | None = None) -> int:
    """Run a server until Ctrl-C, SIGTERM or the end of standard input.

    The first line on standard output is JSON: where the server is and what it takes. Give the exit code.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    if options.list_faults:
        sys.stdout.write(_list_of_faults())
        return 0

    server = FakeChatGPT(
        reply=_reply(options),
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

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    with server:
        sys.stdout.write(json.dumps(_description(server)) + "\n")
        sys.stdout.flush()
        sys.stderr.write(
            f"FakeChatGPT is at {server.origin}; Ctrl-C ends it.\nWatch it at {server.watch_url}\n"
        )
        if options.until_stdin_closes:
            threading.Thread(target=_at_end_of_input, args=(stop,), daemon=True).start()

        stop.wait()

    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chatgpt_browser.testing", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port to listen on; by default a free one")
    parser.add_argument("--tls", action="store_true", help="serve HTTPS and HTTP/2")
    parser.add_argument("--no-http2", action="store_true", help="with --tls: HTTP/1.1 alone")
    parser.add_argument("--challenge", choices=("passes", "person"), help="begin with a challenge page")
    parser.add_argument(
        "--form", choices=("api", "app"), default="api", help="app: a web application, for a browser"
    )
    parser.add_argument("--public-origin", help="origin that a browser maps to this server")
    parser.add_argument("--events", type=int, help="answer every message with so many events")
    parser.add_argument("--piece", default="word ", help="what each of those events adds to the text")
    parser.add_argument("--interval", type=float, default=0, help="milliseconds between those events")
    parser.add_argument("--pace", type=float, help="characters a second that every reply comes at")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME", help="a fault that strikes; again for more"
    )
    parser.add_argument("--times", type=int, help="how often each fault strikes; by default always")
    parser.add_argument(
        "--probability", type=float, default=1.0, help="with which each fault strikes a request"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draws that --probability makes")
    parser.add_argument("--list-faults", action="store_true", help="say which faults there are, and end")
    parser.add_argument(
        "--replay", action="append", default=[], metavar="FILE", help="answer from a recording first"
    )
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with standard input")
    return parser


def _list_of_faults() -> str:
    width = max(map(len, FAULTS))
    return "".join(f"{name:{width}}  {fault.description}\n" for name, fault in FAULTS.items())


def _reply(options: argparse.Namespace) -> Scripted | None:
    if options.events is None:
        return None

    return Reply(pieces=[options.piece] * options.events, interval=options.interval)


def _description(server: FakeChatGPT) -> dict[str, object]:
    authority = server.certificate_authority_pem
    return {
        "origin": server.origin,
        "host": server.host,
        "port": server.port,
        "api_base_url": server.api_base_url,
        "backend_api_base_url": server.backend_api_base_url,
        "watch_url": server.watch_url,
        # A secret of nothing: the server is a fake.
        "session_token": server.session_token,
        "certificate_authority_pem": None if authority is None else authority.decode(),
        "pid": os.getpid(),
    }


def _at_end_of_input(stop: threading.Event) -> None:
    for _ in sys.stdin:
        pass

    stop.set()


if __name__ == "__main__":
    raise SystemExit(main())
