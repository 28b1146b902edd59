"""A Griffe extension that converts docstrings written for ``help()`` into pages of the documentation.

Each public method gets the example in scripts/api_examples.py. Sphinx roles (``:class:`Session` ``) become links. A docstring
of the sync client that only refers to the asynchronous counterpart is replaced by that counterpart's docstring.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import griffe

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.api_examples import example_of

PACKAGE = "chatgpt_browser"
ROLE = re.compile(r":(?:class|meth|attr|func|mod):`(?P<target>[\w.]+)`")
SEE_COUNTERPART = re.compile(r"see :(?:meth|attr):`(?P<owner>Async\w+)\.(?P<name>\w+)`\.$")


class Docstrings(griffe.Extension):
    """Extension that rewrites the docstrings after the whole package was loaded."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        if pkg.path == PACKAGE:
            for obj in documented(pkg):
                obj.docstring.value = whole(obj, pkg)  # type: ignore[union-attr]
            for obj in documented(pkg):
                obj.docstring.value = with_example(obj, linked(obj))  # type: ignore[union-attr]


def documented(obj: griffe.Object) -> list[griffe.Object]:
    """Return all members of a module or class that have a docstring, at any depth."""
    own = [member for member in obj.members.values() if isinstance(member, griffe.Object)]
    deeper = [found for member in own for found in documented(member)]
    return [member for member in own if member.docstring is not None] + deeper


def whole(obj: griffe.Object, package: griffe.Module) -> str:
    """Return the docstring, or the counterpart's docstring if it only refers to that."""
    text = obj.docstring.value if obj.docstring is not None else ""
    see = SEE_COUNTERPART.search(text)
    if see is None or obj.parent is None or see["owner"] != f"Async{obj.parent.name}":
        return text
    return str(package[f"{see['owner']}.{see['name']}"].docstring.value)


def linked(obj: griffe.Object) -> str:
    """Return the docstring with links in place of roles. Short names refer to members of the class or of the method's class."""
    owner = obj if obj.is_class else obj.parent
    text = obj.docstring.value if obj.docstring is not None else ""
    return ROLE.sub(lambda role: link(role["target"], owner), text)


def with_example(obj: griffe.Object, text: str) -> str:
    """Return a method's docstring with its example between the description and the parameters."""
    example = example_of(obj.parent.name, obj.name) if obj.is_function and obj.parent is not None else None
    if example is None:
        return text
    description, fields, rest = text.partition("\n:")
    return f"{description.rstrip()}\n\n```python\n{example}```\n{fields}{rest}"


def link(target: str, owner: griffe.Object | None) -> str:
    """Return Markdown for a name: a link if the name is public and belongs to this package, otherwise only code."""
    if "._" in f".{target}" or target.partition(".")[0] in sys.stdlib_module_names:
        return f"`{target}`"
    if owner is not None and owner.is_class and target in owner.all_members:
        return f"[`{target}`][{PACKAGE}.{owner.name}.{target}]"
    return f"[`{target}`][{PACKAGE}.{target.removeprefix(PACKAGE + '.')}]"
