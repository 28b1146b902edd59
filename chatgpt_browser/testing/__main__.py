"""The command `python -m chatgpt_browser.testing`, which runs a `FakeChatGPT`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from .background import (
    IDLE_SECONDS,
    detach_output,
    export_commands,
    start_in_background,
    stop_with_process,
    wait_until_idle,
)
from .faults.catalogue import FAULTS
from .script.steps import Pace, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .server.fake_chatgpt import FakeChatGPT

_DESCRIPTION = (
    """Run a FakeChatGPT, a server that behaves like ChatGPT's site, for experiments and measurements."""
)
_EXAMPLE = """In a shell: eval "$(python -m chatgpt_browser.testing --export)" """


def main(argv: Sequence[str] | None = None) -> int:
    """Run a server until it is stopped, and return the exit code of the command.

    Ctrl-C and SIGTERM stop the server. With `--until-stdin-closes`, the end of standard input also stops it. With `--export`,
    start the server in the background instead and return at once.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    if options.list_faults:
        sys.stdout.write(_list_of_faults())
        return 0
    if options.export:
        given = sys.argv[1:] if argv is None else argv
        return start_in_background([each for each in given if each not in ("--export", "--json")])

    try:
        server = _server(options)
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (OSError, ValueError) as error:
        parser.error(str(error))

    try:
        _serve(server, options)
    except OSError as error:
        parser.error(str(error))
    return 0


def _server(options: argparse.Namespace) -> FakeChatGPT:
    """Return the server that the options describe. It is not started yet."""
    from chatgpt_browser.testing import FakeChatGPT

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
    for name in options.fault:
        server.inject(name, options.times, probability=options.probability, seed=options.seed)
    for path in options.replay:
        server.replay(path)
    return server


def _serve(server: FakeChatGPT, options: argparse.Namespace) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    with server:
        description = _description(server)
        sys.stdout.write(json.dumps(description) + "\n" if options.json else _text(description))
        sys.stdout.flush()
        if options.detach:
            detach_output()
        if options.until_stdin_closes:
            threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
        if options.end_with is not None:
            threading.Thread(target=stop_with_process, args=(options.end_with, stop), daemon=True).start()

        wait_until_idle(server, stop, options.idle_timeout)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m chatgpt_browser.testing",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        allow_abbrev=False,
    )
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
    output = parser.add_mutually_exclusive_group()
    output.add_argument(
        "--json", action="store_true", help="print the URLs and the token as one line of JSON"
    )
    output.add_argument(
        "--export",
        action="store_true",
        help="start the server in the background, print shell commands that set the variables for clients, and exit; the "
        f"server ends with the calling shell, or after {IDLE_SECONDS} seconds without a request",
    )
    add("--until-stdin-closes", action="store_true", help="stop at the end of standard input")
    add("--end-with", type=int, metavar="PID", help="stop when this process ends")
    add("--idle-timeout", type=float, metavar="SECONDS", help="stop after this time without a request")
    add("--detach", action="store_true", help=argparse.SUPPRESS)
    return parser


def _list_of_faults() -> str:
    width = max(map(len, FAULTS))
    return "".join(f"{name:{width}}  {fault.description}\n" for name, fault in FAULTS.items())


def _text(description: dict[str, object]) -> str:
    """Return the server's description as text for the terminal."""
    variables = export_commands(description).replace("export ", "  export ")
    authority = description["certificate_authority_pem"]
    trust = "" if authority is None else f"\nClients must trust this certificate:\n\n{authority}"
    return (
        f"FakeChatGPT is running at {description['origin']}. Press Ctrl-C to stop it.\n\n"
        f"Watch page: {description['watch_url']}\n{trust}\n"
        f"For clients in another terminal:\n\n{variables}\n"
    )


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
