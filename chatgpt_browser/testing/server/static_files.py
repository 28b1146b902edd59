"""The files of the server's web pages."""

from importlib.resources import files


def read_static(path: str) -> str:
    """Return the text of a file of the web pages. `path` is relative to the directory of this package."""
    return (files(__package__) / path).read_text(encoding="utf-8")
