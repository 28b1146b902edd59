"""The temporary certificate authority of the fake server, and the certificate for TLS."""

from __future__ import annotations

import ssl

import trustme

_NAMES = ("127.0.0.1", "localhost", "chat.openai.com", "chatgpt.com")


def make_tls_context(*, http2: bool) -> tuple[ssl.SSLContext, bytes]:
    """Create a TLS context whose certificate is valid for the loopback address and the site's host names.

    :param http2: True if the server offers HTTP/2 in the TLS handshake (ALPN).
    :return: the TLS context of the server, and the certificate of the temporary certificate authority in PEM.
    """
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    authority.issue_cert(*_NAMES).configure_cert(context)
    return context, authority.cert_pem.bytes()
