"""The temporary certificate authority for TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import trustme

_NAMES = ("127.0.0.1", "localhost", "chat.openai.com", "chatgpt.com")


@dataclass(frozen=True)
class Certificates:
    """A temporary certificate authority, and a server's TLS context with a certificate that it issued."""

    authority_pem: bytes
    context: ssl.SSLContext


def make_certificates(*, http2: bool) -> Certificates:
    """Issue a certificate for the loopback address and the site's host names."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    authority.issue_cert(*_NAMES).configure_cert(context)
    return Certificates(authority.cert_pem.bytes(), context)
