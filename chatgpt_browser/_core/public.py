"""A decorator for public types. It makes tracebacks and reprs show a type as ``chatgpt_browser.Name``, as users import it."""

from __future__ import annotations

from typing import TypeVar

Type = TypeVar("Type", bound=type)


def public_type(cls: Type) -> Type:
    """Set the ``__module__`` of a class to ``chatgpt_browser``, and return the class.

    As a result, pickle also imports the class from ``chatgpt_browser``. This package exports the class.
    """
    cls.__module__ = "chatgpt_browser"
    return cls
