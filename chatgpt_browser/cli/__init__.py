"""The command line, `chatgpt-browser`. Requires the extra `cli`.

A command that needs only one module is in `commands/`. A command that needs several modules has its own folder. The commands
share these parts: `environment` (environment variables), `client_factory` (creates the client of a command), `exit_codes` (turns
errors into exit codes), `shared_options`, `input/` (standard input and files), `output/` (standard output and standard error)
and `state/` (files that stay on disk between runs).
"""

from __future__ import annotations

from .app import app

__all__ = ("app",)
