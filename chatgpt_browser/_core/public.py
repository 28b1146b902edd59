"""The marking of public types, so that tracebacks and reprs show the name that users import."""

from __future__ import annotations

from typing import TypeVar

Type = TypeVar("Type", bound=type)


def public_type(cls: Type) -> Type:
    """Set the ``__module__`` of a class that ``chatgpt_browser`` exports. Pickle finds the class there, too."""
    cls.__module__ = "chatgpt_browser"
    return cls
