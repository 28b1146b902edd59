"""The command line, `chatgpt-browser`. Requires the extra `cli`.

A command has a module in `commands/`. If it needs several modules, it has a folder here instead. All commands share these parts:
`environment` (environment variables), `client_factory` (creates the client of a command), `exit_codes` (turns errors into exit
codes), `shared_options`, `input/` (standard input and files), `output/` (standard output and standard error) and `state/`
(files that are kept between runs).
"""

from __future__ import annotations

from .app import app

__all__ = ("app",)
