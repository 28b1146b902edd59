"""The command line, `chatgpt-browser`. Requires the extra `cli`.

Each command has a module in `commands/`, or a folder if it needs several modules. Shared parts: `environment` (variables),
`client_factory` (a client for a command), `exit_codes` (errors become exit codes), `shared_options`, `input/` (standard input and
the terminal), `output/` (standard output and standard error) and `state/` (files that are kept between runs).
"""

from __future__ import annotations

from .app import app

__all__ = ("app",)
