"""Tools for the definition of public types: a decorator, a type variable and a type alias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import TypeVar

    #: The class of a reply's files: :class:`ReplyFile`, or :class:`AsyncReplyFile` in the replies of the asynchronous client.
    FileT = TypeVar("FileT", default=Any)
else:
    from typing import TypeVar

    FileT = TypeVar("FileT")

Type = TypeVar("Type", bound=type)

#: Stands for None in the type of an attribute that is None until a reply has arrived. A type checker accepts ``str | MaybeNone``
#: as a ``str``. Therefore users can check such an attribute for None, but need not do so. Typeshed has an alias with the same
#: name.
MaybeNone: TypeAlias = Any


def public_type(cls: Type) -> Type:
    """Set the ``__module__`` of a class to ``chatgpt_browser``, and return the class.

    Tracebacks and reprs then show the class as ``chatgpt_browser.Name``, the name under which users import it. Pickle also uses
    this name, so the package must export the class.
    """
    cls.__module__ = "chatgpt_browser"
    return cls
