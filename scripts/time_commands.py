"""Measure how long the help pages and `--version` take. Print a table in Markdown with the median of the runs.

Run as `.venv/bin/python scripts/time_commands.py [RUNS]` on an idle machine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

#: The commands, as arguments of Python, and the longest time in seconds that each of them should take on an idle machine.
COMMANDS = {
    "python -c pass": (["-c", "pass"], None),
    "--version": (["-m", "chatgpt_browser", "--version"], 0.15),
    "--help": (["-m", "chatgpt_browser", "--help"], 0.25),
    "ask --help": (["-m", "chatgpt_browser", "ask", "--help"], 0.25),
    "chat --help": (["-m", "chatgpt_browser", "chat", "--help"], 0.25),
    "history list --help": (["-m", "chatgpt_browser", "history", "list", "--help"], 0.25),
    "jobs wait --help": (["-m", "chatgpt_browser", "jobs", "wait", "--help"], 0.25),
}


def median(arguments: list[str], runs: int) -> float:
    """Return the median of the wall-clock times of a command, in seconds, after one run that is not counted."""
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def main() -> None:
    """Print the table."""
    runs = int(sys.argv[1]) if sys.argv[1:] else 15
    lines = ["| command | median | goal |", "| --- | --- | --- |"]
    for name, (arguments, goal) in COMMANDS.items():
        limit = "" if goal is None else f"{goal:.2f} s"
        lines.append(f"| `{name}` | {median(arguments, runs):.2f} s | {limit} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
