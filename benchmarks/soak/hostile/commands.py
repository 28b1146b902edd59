"""Commands against the hostile site and a hostile folder: odd inputs, planted links, terminals and pipes."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatgpt_browser.cli.exit_codes import exit_codes

if TYPE_CHECKING:
    from .site import HostileSite
    from .texts import Values

__all__ = ["COMMAND_LIMIT", "Commands"]

#: Seconds. A command without `--timeout` waits up to 60 s for a head, and up to 120 s for the rest.
COMMAND_LIMIT = 300.0
_TIMEOUT = ["--timeout", "8"]
_KNOWN_CODES = {code for code, _ in exit_codes()}
#: Sequences that our own programs write to a terminal: styles, cursor movements, bracketed paste, and the answers to queries.
_OWN = re.compile(r"\x1b\[(?!7777)[?>]?[0-9;]*[A-Za-z]|\x1b\[\?[0-9;]+\$p|\r|\n|\t")
#: Categories of characters that no terminal may receive: control, format, surrogate, line and paragraph separators.
_FORBIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
#: Joiners and tags are allowed in emoji sequences; the texts contain one such sequence.
_ALLOWED = {"\u200d"}
#: A Chromium that is killed, because it does not close in time, leaves the folder of its own lock.
_CHROMIUM_LOCK = ".org.chromium.Chromium."


class Commands:
    """Runs random commands in a folder that an attacker could write to."""

    def __init__(self, site: HostileSite, values: Values, folder: Path) -> None:
        self._site = site
        self._values = values
        self._chance = values.chance
        self._folder = folder
        self.complaints: list[str] = []
        self.peak_megabytes = 0.0

    def step(self) -> str:
        """Run one random command in a new folder. Return its arguments and its exit code."""
        folder = self._folder / "run"
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("work", "outside", "data", "tmp"):
            (folder / name).mkdir(parents=True)
        (folder / "outside" / "victim").write_text("untouched")
        (folder / "outside" / "victim").chmod(0o644)
        self._plant(folder)
        arguments, data = self._command(folder)
        before = _snapshot(folder / "outside")
        run = _Run(self._chance, folder, self._environment(folder), arguments, data)
        outcome = run.outcome()
        complaints = self._check(run, outcome)
        if _snapshot(folder / "outside") != before:
            complaints.append("a file outside of the working folder was changed")
        names = [path.name for path in (folder / "tmp").iterdir()]
        if left := [name for name in names if not name.startswith(_CHROMIUM_LOCK)]:
            complaints.append(f"temporary files are left: {left[:3]}")
        what = " ".join(arguments)[:300]
        self.complaints += [f"{what!r} ({run.description}): {complaint}" for complaint in complaints]
        return f"{arguments[:2]!r} ({run.description}): {outcome}"

    # ---- the environment

    def _environment(self, folder: Path) -> dict[str, str]:
        server, chance = self._site.server, self._chance
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(Path.home()),  # Playwright's browsers are below it
            "TMPDIR": str(folder / "tmp"),
            "CHATGPT_SESSION_TOKEN": server.session_token,
            "CHATGPT_API_BASE_URL": server.api_base_url,
            "CHATGPT_BACKEND_API_BASE_URL": server.backend_api_base_url,
            "CHATGPT_DATA_DIR": str(folder / "data"),
            **{name: os.environ[name] for name in ("PLAYWRIGHT_BROWSERS_PATH",) if name in os.environ},
            **chance.choice(
                ({}, {}, {"TERM": "xterm-256color"}, {"TERM": "dumb"}, {"CI": "1"}, {"NO_COLOR": "1"})
            ),
            **chance.choice(
                (
                    {},
                    {},
                    {"PYTHONIOENCODING": "ascii"},
                    {"LC_ALL": "C"},
                    {"COLUMNS": "10"},
                    {"FORCE_COLOR": "1"},
                )
            ),
        }

    def _plant(self, folder: Path) -> None:
        """Create links and FIFOs with names that the commands may write to."""
        work, victim = folder / "work", folder / "outside" / "victim"
        (work / "out").mkdir()
        names = (
            "o.jsonl.tmp",
            "o.jsonl.lock",
            "report.xml",
            "talk.md",
            "out/new-chat.md",
            "out/index.json",
            "o.jsonl",
        )
        for name in names:
            if self._chance.random() < 0.15:
                path, kind = work / name, self._chance.choice(("link", "dangling", "fifo"))
                if kind == "fifo":
                    os.mkfifo(path)
                else:
                    path.symlink_to(victim if kind == "link" else folder / "outside" / "new")

    # ---- the commands

    def _command(self, folder: Path) -> tuple[list[str], bytes]:
        """Return the arguments of a random command, and its standard input."""
        makers = {
            self._ask: 30,
            self._batch: 10,
            self._chat: 10,
            self._history: 30,
            self._delete: 5,
            self._other: 15,
        }
        (make,) = self._chance.choices([*makers], [*makers.values()])
        arguments, data = make(folder / "work")
        return [*arguments, *self._chance.choice(([], [], ["-v"], ["-vv"]))], data

    def _ask(self, work: Path) -> tuple[list[str], bytes]:
        text = self._input_text()
        (work / "f.txt").write_bytes(text)
        argument = os.fsdecode(text.replace(b"\0", b""))[:2000]
        extra = self._chance.choice(
            ([], [], ["-f", "f.txt"], ["--no-stream"], ["--plain-text"], ["--conversation", argument])
        )
        return ["ask", "Hello", *extra, *self._via(), *self._json(), *_TIMEOUT], text

    def _batch(self, work: Path) -> tuple[list[str], bytes]:
        (work / "prompts.txt").write_bytes(b"Hello\nAgain\n" + self._input_text())
        extra = self._chance.choice(([], ["--retry-failed"], ["--retry-uncertain"]))
        return ["batch", "prompts.txt", "-o", "o.jsonl", *extra, *self._via(), *_TIMEOUT], b""

    def _chat(self, _work: Path) -> tuple[list[str], bytes]:
        commands = b"Hello\n/save talk.md\n/open 1\n/new\n%b\n/quit\n"
        return ["chat", *self._via(), *_TIMEOUT], commands % self._input_text()

    def _history(self, _work: Path) -> tuple[list[str], bytes]:
        kind = self._chance.choice(("list", "show", "export", "export"))
        if kind == "export":
            what = self._chance.choice((["--all"], ["last"], ["1"]))
            where = self._chance.choice((["-o", "out"], ["-o", "out"], []))
            return [
                "history",
                "export",
                *what,
                *where,
                "--format",
                self._chance.choice(("markdown", "json")),
            ], b""
        return ["history", kind, *([] if kind == "list" else ["1"]), *self._json()], b""

    def _delete(self, _work: Path) -> tuple[list[str], bytes]:
        return ["history", "delete", self._chance.choice(("1", "last"))], self._chance.choice(
            (b"y\n", b"n\n", b"")
        )

    def _other(self, _work: Path) -> tuple[list[str], bytes]:
        smoke = ["smoke", "--junit", "report.xml", *self._via(), *_TIMEOUT]
        return self._chance.choice((smoke, ["models", *self._json()], ["doctor", *self._json()])), b""

    def _input_text(self) -> bytes:
        """Return an empty input, a plain one, or an odd one."""
        if self._chance.random() < 0.6:
            return self._chance.choice((b"", b"some words"))
        how = self._chance.choice(("surrogatepass", "replace"))
        return self._values.text()[:5000].encode("utf-8", how)

    def _via(self) -> list[str]:
        return ["--send-via", self._chance.choice(("auto", "fetch", "page"))]

    def _json(self) -> list[str]:
        return self._chance.choice(([], ["--json"]))

    # ---- the checks

    def _check(self, run: _Run, outcome: str) -> list[str]:
        complaints = []
        self.peak_megabytes = max(self.peak_megabytes, run.peak_megabytes)
        if outcome == "hangs":
            complaints.append("hangs")
        elif run.code not in _KNOWN_CODES:
            complaints.append(f"exit code {run.code}: {run.error[-1500:]!r}")
        for name, written in (("stdout", run.output), ("stderr", run.error)):
            if "Traceback (most recent" in written or "Traceback" in written.partition("\n")[0]:
                complaints.append(f"a traceback on {name}: {written[-2500:]!r}")
            if self._site.server.session_token in written:
                complaints.append(f"the session token on {name}")
        shown = run.error + (run.output if run.is_on_terminal else "")
        if forbidden := {char for char in _OWN.sub("", shown) if is_forbidden(char)}:
            complaints.append(
                f"a control character of the site: {forbidden!r} in {_around(shown, forbidden)!r}"
            )
        return complaints


def is_forbidden(char: str) -> bool:
    """Return whether a terminal may not receive this character, outside of our own sequences."""
    return (
        char not in _ALLOWED
        and not char.isascii() * char.isprintable()
        and unicodedata.category(char) in _FORBIDDEN
    )


class _Run:
    """One process of the command line, with its output."""

    def __init__(
        self, chance: Any, folder: Path, environment: dict[str, str], arguments: list[str], data: bytes
    ) -> None:
        self.is_on_terminal = chance.random() < 0.5
        self.description = "terminal" if self.is_on_terminal else "pipe"
        self.output = self.error = ""
        self.code: int | None = None
        self.peak_megabytes = 0.0
        self._streams: list[bytes] = [b"", b""]
        self._ended = threading.Event()
        ours, theirs = zip(*(self._pair() for _ in range(2)), strict=True)
        source = self._input(chance.choice(("pipe", "pipe", "socket", "closed", "null", "open")), data)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "chatgpt_browser", *map(os.fsencode, arguments)],
            cwd=folder / "work",
            env=environment,
            stdin=source,
            stdout=theirs[0],
            stderr=theirs[1],
            start_new_session=True,
            preexec_fn=_close_stdin if source is None else None,  # noqa: PLW1509
        )
        for descriptor in (*theirs, *([] if source in (None, subprocess.DEVNULL) else [source])):
            os.close(descriptor)
        self._readers = [
            threading.Thread(target=self._read, args=(n, each), daemon=True) for n, each in enumerate(ours)
        ]
        for reader in self._readers:
            reader.start()

    def outcome(self) -> str:
        """Wait for the process, end it if it hangs, and return its exit code as a text."""
        until = time.monotonic() + COMMAND_LIMIT
        while (done := os.wait4(self._process.pid, os.WNOHANG))[0] == 0 and time.monotonic() < until:
            time.sleep(0.05)  # `wait4`, which returns the peak of the memory, has no time limit
        hangs = done[0] == 0
        if hangs:
            os.killpg(self._process.pid, signal.SIGABRT)
            done = os.wait4(self._process.pid, 0)
        self._process.returncode = self.code = os.waitstatus_to_exitcode(done[1])
        self.peak_megabytes = done[2].ru_maxrss / 1024
        self._ended.set()
        for reader in self._readers:
            reader.join(10)
        for descriptor in self._open:
            os.close(descriptor)
        self.output, self.error = (data.decode("utf-8", "surrogateescape") for data in self._streams)
        return "hangs" if hangs else f"exit code {self.code}"

    def _pair(self) -> tuple[int, int]:
        return pty.openpty() if self.is_on_terminal else os.pipe()

    def _input(self, kind: str, data: bytes) -> Any:
        self.description += f", stdin {kind}"
        self._open: list[int] = []
        if kind == "closed":
            return None
        if kind == "null":
            return subprocess.DEVNULL
        if kind == "socket":
            ours, theirs = (end.detach() for end in socket.socketpair())
        else:
            theirs, ours = os.pipe()
        os.write(ours, data[:60_000])
        if kind == "open":  # an input that never ends
            self._open.append(ours)
        else:
            os.close(ours)
        return theirs

    def _read(self, number: int, descriptor: int) -> None:
        with contextlib.suppress(OSError):  # the terminal's other end is closed
            while chunk := os.read(descriptor, 65536):
                self._streams[number] += chunk
        os.close(descriptor)


def _close_stdin() -> None:
    os.close(0)


def _snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
    }


def _around(text: str, chars: set[str]) -> str:
    at = min(text.index(char) for char in chars)
    return text[max(0, at - 60) : at + 60]
