"""Reads the package's JavaScript files."""

from __future__ import annotations

import functools
from importlib import resources


@functools.cache
def read_script(package: str, name: str) -> str:
    """Return the text of a JavaScript file that is stored beside the modules of ``package``."""
    return (resources.files(package) / name).read_text("utf-8")
