"""Parses cookies in the formats that users have: dicts, lists, JSON exports, text of ``cookies.txt``, and header lines.

The functions here read no files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

#: The names, in lower case, of the fields that contain a cookie's name, value and domain. Playwright, Selenium and extensions for
#: Firefox use these names.
_NAMES, _VALUES = ("name", "name raw"), ("value", "content raw")
_DOMAINS = ("domain", "host", "host raw", "url")
_HEADERS = ("cookie", "set-cookie")

_HEADER = re.compile(r"\s*(?:set-)?cookie\s*:", re.IGNORECASE)
#: Matches one part of a line: ``name=value`` or ``name: value``. A line that was copied from JSON or JavaScript also has quotes
#: and a comma.
_PAIR = re.compile(r"""["']?([\w!#$%&*+.^`|~-]+)["']?\s*[=:]\s*(.*)""", re.ASCII | re.DOTALL)
_FLAGS = ("TRUE", "FALSE")
_HTTP_ONLY = "#HttpOnly_"


class Cookie(NamedTuple):
    """A cookie of any site. ``domain`` is a host name without a leading dot, or "" if the input contains no domain."""

    name: str
    value: str
    domain: str = ""


def is_header(text: str) -> bool:
    """Return whether a text begins with ``Cookie:`` or ``Set-Cookie:``, like a header line."""
    return _HEADER.match(text) is not None


def is_json(text: str) -> bool:
    """Return whether a text begins like a JSON object or array."""
    return text.lstrip("\ufeff \t\r\n").startswith(("{", "["))


def cookies_of(given: object) -> list[Cookie]:
    """Return the cookies in a value. If the value contains no cookie, for example if the value is a token, the list is empty.

    The value may have these forms:

    - a dict of cookie names and values, or a dict with the key ``cookies`` (like Playwright's ``storage_state``);
    - a list of dicts, of objects, of pairs or of header lines;
    - the text of a header line, or JSON text of one of the forms above;
    - the text of a Netscape ``cookies.txt``, or lines of the form ``name=value`` or ``name: value``.
    """
    if isinstance(given, str):
        return cookies_of(read_json(given)) if is_json(given) else list(_from_lines(given))
    if isinstance(given, Mapping):
        return list(_from_mapping(given))
    if isinstance(given, Iterable) and not isinstance(given, (bytes, bytearray)):
        return [cookie for item in given for cookie in _from_item(item)]
    return []


def read_json(text: str) -> dict[str, Any] | list[Any] | None:
    """Return the object or array in a JSON text. If the text is not valid JSON, or contains another value, return None."""
    try:
        data = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, (dict, list)) else None


def _from_mapping(given: Mapping[Any, Any]) -> Iterator[Cookie]:
    if (single := _read_fields(given)) is not None:
        yield single
        return
    for name, content in given.items():
        value = _value_of(content)
        if name == "cookies" and isinstance(content, (list, tuple, Mapping)):
            yield from cookies_of(content)
        elif isinstance(name, str) and isinstance(value, str):
            yield from _from_lines(value) if name.lower() in _HEADERS else [Cookie(name, value)]


def _value_of(content: object) -> object:
    """Return the value of a cookie from ``content``, the dict entry under the cookie's name.

    * If ``content`` has an attribute ``value``, return this attribute.
    * If ``content`` is a mapping, return the item with the key ``value``, or None if there is no such key.
    * Otherwise, return ``content`` itself.
    """
    if hasattr(content, "value"):  # The entry is an http.cookies.Morsel, which is also a dict.
        return content.value
    return content.get("value") if isinstance(content, Mapping) else content


def _from_item(item: object) -> Iterator[Cookie]:
    """Yield the cookies that one item of a list contains."""
    if isinstance(item, str):
        yield from _from_lines(item)
    elif isinstance(item, Mapping):
        yield from _from_mapping(item)
    elif isinstance(item, (list, tuple)):
        if len(item) == 2 and all(isinstance(text, str) for text in item):
            yield Cookie(item[0], item[1])
    # For example, an ``http.cookiejar.Cookie`` stores the fields of the cookie as attributes.
    elif (cookie := _read_fields(getattr(item, "__dict__", {}))) is not None:
        yield cookie


def _read_fields(given: Mapping[Any, Any]) -> Cookie | None:
    """Return the cookie that a mapping of field names to values describes, or None if the name or the value is missing."""
    fields = {name.lower(): value for name, value in given.items() if isinstance(name, str)}
    name, value = (next((fields[key] for key in keys if key in fields), None) for keys in (_NAMES, _VALUES))
    if not isinstance(name, str) or not isinstance(value, str):
        return None
    domain = next((fields[key] for key in _DOMAINS if isinstance(fields.get(key), str)), "")
    return Cookie(name, value, _host_of(domain))


def _host_of(domain: str) -> str:
    """Return the host name in the domain of a cookie. Some exports contain a URL instead of the domain."""
    return domain.rpartition("://")[2].partition("/")[0].partition(":")[0].lstrip(".").lower()


def _from_lines(text: str) -> Iterator[Cookie]:
    """Yield the cookies in a text that consists of header lines, of ``name=value`` pairs, or of lines of a Netscape file."""
    for line in text.lstrip("\ufeff").splitlines():
        if (row := _from_netscape(line)) is not None:
            yield row
            continue
        for part in _HEADER.sub("", line, count=1).split(";"):
            if pair := _PAIR.fullmatch(part.strip()):
                yield Cookie(pair[1], pair[2].rstrip(", \t"))


def _from_netscape(line: str) -> Cookie | None:
    """Return the cookie in a line of a Netscape file, or in a row of a browser's table of cookies. For other lines, return None.

    A line of a Netscape file has seven fields with tabs between them. If the line was copied from a terminal, there are spaces
    between the fields instead of tabs.
    """
    line = line.removeprefix(_HTTP_ONLY).strip("\r\n ")
    fields = line.split("\t") if "\t" in line else line.split()
    if len(fields) == 7 and fields[1].upper() in _FLAGS and fields[3].upper() in _FLAGS:
        return Cookie(fields[5], fields[6], _host_of(fields[0]))
    if "\t" in line and len(fields) >= 2 and not line.startswith("#"):
        domain = _host_of(fields[2]) if len(fields) > 2 and "." in fields[2] else ""
        return Cookie(fields[0].strip(), fields[1].strip(), domain)
    return None
