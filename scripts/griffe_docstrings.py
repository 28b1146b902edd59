"""For the site: makes docstrings that are written for ``help()`` into pages.

Sphinx's roles (``:class:`Session` ``) become links, and where the synchronous face only says "see" and names its asynchronous
twin, the reader is spared the walk.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import griffe

PACKAGE = "chatgpt_browser"
ROLE = re.compile(r":(?:class|meth|attr|func|mod):`(?P<target>[\w.]+)`")
SEE_TWIN = re.compile(r"see :(?:meth|attr):`(?P<owner>Async\w+)\.(?P<name>\w+)`\.$")


class Docstrings(griffe.Extension):
    """Rewrites every docstring of the package once all of it has been read."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        if pkg.path == PACKAGE:
            for obj in documented(pkg):
                obj.docstring.value = whole(obj, pkg)  # type: ignore[union-attr]
            for obj in documented(pkg):
                obj.docstring.value = linked(obj)  # type: ignore[union-attr]


def documented(obj: griffe.Object) -> list[griffe.Object]:
    """Everything in a module or class that has a docstring of its own, at any depth."""
    own = [member for member in obj.members.values() if isinstance(member, griffe.Object)]
    deeper = [found for member in own for found in documented(member)]
    return [member for member in own if member.docstring is not None] + deeper


def whole(obj: griffe.Object, package: griffe.Module) -> str:
    """The docstring, or that of the twin which it sends its reader to."""
    text = obj.docstring.value if obj.docstring is not None else ""
    see = SEE_TWIN.search(text)
    if see is None or obj.parent is None or see["owner"] != f"Async{obj.parent.name}":
        return text
    return str(package[f"{see['owner']}.{see['name']}"].docstring.value)


def linked(obj: griffe.Object) -> str:
    """The docstring with links for roles. A class's name its own members, a method's its neighbours."""
    owner = obj if obj.is_class else obj.parent
    text = obj.docstring.value if obj.docstring is not None else ""
    return ROLE.sub(lambda role: link(role["target"], owner), text)


def link(target: str, owner: griffe.Object | None) -> str:
    """Markdown for a name as a docstring has it: a link where it is public and ours, else code alone."""
    if "._" in f".{target}" or target.partition(".")[0] in sys.stdlib_module_names:
        return f"`{target}`"
    if owner is not None and owner.is_class and target in owner.all_members:
        return f"[`{target}`][{PACKAGE}.{owner.name}.{target}]"
    return f"[`{target}`][{PACKAGE}.{target.removeprefix(PACKAGE + '.')}]"
