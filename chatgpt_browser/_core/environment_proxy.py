"""Reads a proxy with a user name and a password from the environment variables.

On Linux, Chromium itself uses the proxy in ``HTTPS_PROXY``, ``HTTP_PROXY`` or ``ALL_PROXY``, except for the hosts in
``NO_PROXY``. But Chromium ignores a user name and a password in these variables. Therefore a proxy with a user name and a
password is passed to Chromium as an option. On other systems, Chromium uses the system's proxy settings instead of the variables.
There, this module ignores the variables, too.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


def environment_proxy(
    origin: str, environment: Mapping[str, str] = os.environ
) -> tuple[str, dict[str, str]] | None:
    """Return the name of the variable that contains the proxy for an origin, and the proxy's settings.

    The settings are ``server`` and ``bypass``. If no variable contains a proxy with a user name and a password for this origin,
    the result is None. The variable for the origin's scheme (such as ``HTTPS_PROXY``) takes precedence over ``ALL_PROXY``. A
    variable in lower case takes precedence over the same variable in upper case.
    """
    site = urlsplit(origin)
    host = site.hostname or ""
    exceptions = [entry.strip().lower() for entry in _read("no_proxy", environment)[1].split(",")]
    if sys.platform != "linux" or _is_loopback(host) or any(_excludes(entry, host) for entry in exceptions):
        return None
    for variable in (f"{site.scheme}_proxy", "all_proxy"):
        name, server = _read(variable, environment)
        if server:
            return (name, {"server": server, "bypass": _bypass(exceptions)}) if "@" in server else None
    return None


def _read(variable: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the name and the value of a variable. If the name in lower case is not set, use the name in upper case.

    If neither name is set, the value is empty.
    """
    name = variable if environment.get(variable) else variable.upper()
    return name, environment.get(name, "").strip()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _excludes(entry: str, host: str) -> bool:
    """Return whether an entry of ``NO_PROXY`` applies to a host: the entry is ``*``, the host, or a parent domain of the host."""
    domain = entry.removeprefix("*").removeprefix(".").partition(":")[0]
    return entry == "*" or bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _bypass(exceptions: list[str]) -> str:
    """Return the entries of ``NO_PROXY`` as bypass rules for Chromium.

    A name in ``NO_PROXY`` also applies to all subdomains. A bypass rule of Chromium applies only to the name itself. Therefore
    each name becomes two rules: one for the name, and one for the subdomains.
    """
    names = [entry.removeprefix("*").removeprefix(".") for entry in exceptions if entry]
    return ",".join(rule for name in names for rule in (name, f".{name}"))
