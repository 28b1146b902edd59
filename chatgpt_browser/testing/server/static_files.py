"""The files of the server's web pages."""

from importlib.resources import files


def read_static(path: str) -> str:
    """Return the text of a file; `path` is relative to this package."""
    return (files(__package__) / path).read_text(encoding="utf-8")
