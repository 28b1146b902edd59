"""A decorator for public types. With it, tracebacks and reprs show the name under which users import the type."""

from __future__ import annotations

from typing import TypeVar

Type = TypeVar("Type", bound=type)


def public_type(cls: Type) -> Type:
    """Set a class's ``__module__`` to ``chatgpt_browser``, which exports the class, and return the class.

    As a result, pickle also imports the class from ``chatgpt_browser``.
    """
    cls.__module__ = "chatgpt_browser"
    return cls
