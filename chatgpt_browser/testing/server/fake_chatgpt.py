"""`FakeChatGPT`: options, start and stop, and URLs of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio.to_thread

from .certificates import make_tls_context
from .controls import Controls
from .listener import Listener
from .server_thread import ServerThread
from .settings import MODELS, USER, Form, Settings
from .site import Site
from .watch_page import WATCH_PATH

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence
    from datetime import timedelta

    from typing_extensions import Self

    from ..script.responses import ChallengeKind
    from ..script.scripted import Scripted
    from ..script.steps import Encoding, Pace


class FakeChatGPT(Controls):
    """A server that behaves like ChatGPT's site, with scripted replies and faults.

    It is a synchronous and an asynchronous context manager. Between `start()` and `close()` it serves on
    127.0.0.1, in a separate thread. Times are milliseconds or `timedelta`; the timeouts of methods that wait are seconds.

    :param replies: the replies to the first messages, in order, as with `script()`.
    :param reply: the reply to all later messages: a text, a step, or a callable that takes a `Turn` and returns a text, a
        step or an iterator of pieces. The callable may be asynchronous; it runs in the server's thread and must not
        block. None: the server quotes the message and the user's previous message.
    :param pace: the pace of replies that do not set one; None: no waiting.
    :param tls: serve HTTPS; `certificate_authority_pem` is the certificate to trust.
    :param http2: offer HTTP/2. None: only with TLS. Without TLS, HTTP/2 works for clients that start with it.
    :param session_token: the valid session token; None: a random token.
    :param access_token_lifetime: the lifetime of access tokens.
    :param rotate_session_token: True: each response for a live session sets a new random token of the same length.
        A sequence of texts: these tokens, in order, and then no more. The predecessor of the newest token stays valid.
    :param challenge: `passes` or `person`: clients without clearance have to pass a challenge of this kind first.
    :param one_message_at_a_time: respond with 429 to a message while another is being answered.
    :param encoding: the format of the replies: `whole` (as in 2022) or `delta`; a `Reply` may set its own. None: `delta`
        with `form="app"`, else `whole`.
    :param form: `app`: serve a web application at `/` and `/c/{id}`, and accept only messages that its page sends; others
        get a 403. `api`: only the endpoints.
    :param user: the user object of the session; None: an example user.
    :param models: the list of models; None: two models of 2022.
    :param public_origin: the origin in the base URLs, for browsers that map its host to this server.
    :param port: the port; 0: the system chooses a free one.
    :raises ValueError: for a token that is not a valid cookie value, an unknown `challenge`, `encoding` or `form`, or a
        `public_origin` whose scheme does not match `tls`.
    """

    def __init__(
        self,
        *,
        replies: Sequence[Scripted] = (),
        reply: Scripted | None = None,
        pace: Pace | None = None,
        tls: bool = False,
        http2: bool | None = None,
        session_token: str | None = None,
        access_token_lifetime: float | timedelta = 3_600_000,
        rotate_session_token: bool | Sequence[str] = False,
        challenge: ChallengeKind | None = None,
        one_message_at_a_time: bool = False,
        encoding: Encoding | None = None,
        form: Form = "api",
        user: dict[str, Any] | None = None,
        models: list[dict[str, Any]] | None = None,
        public_origin: str | None = None,
        port: int = 0,
    ) -> None:
        if public_origin is not None and not public_origin.startswith("https://" if tls else "http://"):
            raise ValueError(
                f"public_origin must start with http{'s' * tls}:// because tls={tls}: {public_origin}"
            )

        if encoding not in (None, "whole", "delta"):
            raise ValueError(f"encoding must be 'whole' or 'delta', not {encoding!r}")
        if form not in ("api", "app"):
            raise ValueError(f"form must be 'api' or 'app', not {form!r}")

        self.host = "127.0.0.1"
        self._public_origin = None if public_origin is None else public_origin.rstrip("/")
        self._requested_port = port
        self._tls_context: ssl.SSLContext | None = None
        self._authority_pem: bytes | None = None
        if tls:
            self._tls_context, self._authority_pem = make_tls_context(http2=http2 is not False)
        self._site = Site(
            Settings(
                secure=tls,
                replies=replies,
                reply=reply,
                session_token=session_token,
                access_token_lifetime=access_token_lifetime,
                rotation=rotate_session_token,
                challenge=challenge,
                one_message_at_a_time=one_message_at_a_time,
                encoding=encoding or ("delta" if form == "app" else "whole"),
                form=form,
                user=user or USER,
                models=models or MODELS,
                pace=pace,
            )
        )
        self._site.origin = self._public_origin or ""
        self._server_thread: ServerThread | None = None

    def __repr__(self) -> str:
        state = self.origin if self._site.port else "not started"
        return f"<FakeChatGPT {state}, {len(self.requests)} requests>"

    def start(self) -> Self:
        """Start serving and return the server. When this method returns, connections are accepted.

        A second call has no effect while the server is running. After `close()`, it starts again on the same port.

        :raises OSError: if the port is in use.
        """
        if self._server_thread is None:
            listener = Listener(self.host, self._site.port or self._requested_port)
            self._site.port = listener.getsockname()[1]
            self._site.origin = self.origin
            self._server_thread = ServerThread(self._site, listener, self._tls_context)

        return self

    def close(self) -> None:
        """Break all connections and stop serving. Recorded requests stay available. May be called twice."""
        thread, self._server_thread = self._server_thread, None
        if thread is not None:
            thread.stop()

    async def aclose(self) -> None:
        """Call `close()` without blocking the event loop."""
        await anyio.to_thread.run_sync(self.close)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    @property
    def port(self) -> int:
        """The port that the server listens on.

        :raises RuntimeError: before the first start.
        """
        if not self._site.port:
            raise RuntimeError("FakeChatGPT has no port before its first start(): call start() or use `with`")

        return self._site.port

    @property
    def origin(self) -> str:
        """The scheme, host and port, or `public_origin` if it was given."""
        if self._public_origin is not None:
            return self._public_origin

        return f"{'https' if self._site.settings.secure else 'http'}://{self.host}:{self.port}"

    @property
    def api_base_url(self) -> str:
        """The value for the option `api_base_url` of a client."""
        return f"{self.origin}/api"

    @property
    def backend_api_base_url(self) -> str:
        """The value for the option `backend_api_base_url` of a client."""
        return f"{self.origin}/backend-api"

    @property
    def watch_url(self) -> str:
        """The URL of the watch page, which shows conversations, requests and faults while the server is running."""
        return f"{self.origin}{WATCH_PATH}"

    @property
    def certificate_authority_pem(self) -> bytes | None:
        """The certificate of the certificate authority to trust, in PEM; None without TLS."""
        return self._authority_pem
