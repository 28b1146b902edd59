"""A table of Chromium's network errors. It contains, for each group of errors, the stage of the request and a remedy."""

from __future__ import annotations

import re
from typing import NamedTuple


class NetworkError(NamedTuple):
    """A group of network errors: a pattern that matches their names, the stage at which they occur, and the remedy."""

    pattern: str
    stage: str
    remedy: str


#: The stages of a request, in order. Each stage has a check of the same name.
STAGES = ("dns", "connection", "tls", "answer")
#: The groups of network errors, in order of precedence: an error belongs to the first group whose pattern matches.
NETWORK_ERRORS = (
    NetworkError(
        "INTERNET_DISCONNECTED|NETWORK_CHANGED",
        "dns",
        "this machine has no network: check its connection first",
    ),
    NetworkError(
        "NAME_|DNS_|ICANN_",
        "dns",
        "check this machine's network and DNS server, and the base URLs for typing errors",
    ),
    NetworkError(
        "PROXY_|TUNNEL_|MANDATORY_PROXY|SOCKS_|UNEXPECTED_PROXY|PAC_",
        "connection",
        "check the proxy of this machine: the variables https_proxy and no_proxy, or the desktop's settings",
    ),
    NetworkError(
        "CERT_DATE_INVALID",
        "tls",
        "check this machine's clock; if it is right, the site's certificate has expired",
    ),
    NetworkError(
        "CERT_AUTHORITY_INVALID",
        "tls",
        "a program between this machine and the site, such as a company proxy, presents its own certificate: add its "
        "certificate authority to the trusted certificates of this machine",
    ),
    NetworkError(
        "CERT_|SSL_|BAD_SSL|ECH_",
        "tls",
        "check that the base URLs name the site itself, and whether a proxy or firewall changes the connection",
    ),
    NetworkError(
        "CONNECTION_|ADDRESS_|TIMED_OUT|SOCKET_|NETWORK_|UNSAFE_PORT",
        "connection",
        "a firewall may block the connection, or the site is down: check whether another browser here opens it",
    ),
)


def classify_network_error(error: str) -> NetworkError:
    """Return the group of an error. `error` starts with the name of the error, such as ``ERR_NAME_NOT_RESOLVED``."""
    for group in NETWORK_ERRORS:
        if re.match(f"ERR_(?:{group.pattern})", error):
            return group
    return NetworkError("", "answer", "check whether another browser here opens the site")
