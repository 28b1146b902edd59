"""`FakeChatGPT`: the server, as tests hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio.to_thread

from .controls import Controls
from .listener import Listener, ServerConfig, make_certificates
from .server_thread import Serving
from .site import MODELS, USER, Settings, Site
from .watch_page import WATCH_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from types import TracebackType

    from typing_extensions import Self

    from ..script.pace import Pace
    from ..script.script import Scripted
    from ..script.steps import Encoding
    from .challenge import ChallengeKind
    from .site import Form

_HOST = "127.0.0.1"


class FakeChatGPT(Controls):
    """A server that behaves as ChatGPT's site does, with scripted replies and faults.

    A context manager, synchronous and asynchronous; between `start()` and `close()` it serves from a thread of
    its own, on a port that the system chose. Times are milliseconds or `timedelta`, timeouts of waits seconds.

    :param replies: what the first messages are answered with, one after another, as by `script()`.
    :param reply: what every message after those is answered with: a text, a step, or a callable that takes a
        `Turn` and gives either, or an iterator of pieces. It may be asynchronous, and runs on the server's thread:
        it must not block. None: the server says what it was told, and what it was told before.
    :param pace: how fast replies come that do not say so themselves. None: as fast as they can.
    :param tls: serve HTTPS; `certificate_authority_pem` is what to trust.
    :param http2: offer HTTP/2. None: over TLS. Without TLS it is spoken to clients that start with it.
    :param session_token: the valid session token. None: a random one.
    :param access_token_lifetime: how long an access token is valid.
    :param rotate_session_token: True: each answer of a live session sets a new random token of the same length.
        Texts: these tokens, one after another, and then no more. The token before the newest stays valid.
    :param challenge: `passes` or `person`: who comes without clearance has to pass a challenge first.
    :param one_message_at_a_time: answer 429 to a message that comes while another is being answered.
    :param encoding: the form of the replies: `whole` (of 2022) or `delta`; None: `whole`. A `Reply` may say otherwise for itself.
    :param form: `app`: the site is a web application, at `/` and `/c/{id}`, as a person sees it. It takes messages from
        its own page alone: any other is answered 403. Its replies are deltas unless `encoding` says otherwise.
    :param public_origin: the origin in the base URLs, for browsers that map its host to this server.
    :param port: the port to listen on; 0 lets the system choose.
    :raises ValueError: for a token that cannot be a cookie, an unknown `challenge`, `encoding` or `form`, or a
        `public_origin` whose scheme does not fit `tls`.
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
                f"public_origin must start with http{'s' * tls}:// as tls={tls}: {public_origin}"
            )

        if encoding not in (None, "whole", "delta"):
            raise ValueError(f"encoding must be 'whole' or 'delta', not {encoding!r}")
        if form not in ("api", "app"):
            raise ValueError(f"form must be 'api' or 'app', not {form!r}")

        self.host = _HOST
        self._public_origin = None if public_origin is None else public_origin.rstrip("/")
        self._asked_port = port
        self._certificates = make_certificates(http2=http2 is not False) if tls else None
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
        self._serving: Serving | None = None
        self._port: int | None = None

    def __repr__(self) -> str:
        state = "not started" if self._port is None else self.origin
        return f"<FakeChatGPT {state}, {len(self.requests)} requests>"

    # ---- its life

    def start(self) -> Self:
        """Start serving; connections are accepted from when this returns. Does nothing when it serves already.

        :raises OSError: if the port is taken.
        """
        if self._serving is None:
            context = None if self._certificates is None else self._certificates.context
            listener = Listener(_HOST, self._port or self._asked_port)
            self._port = self._site.port = listener.getsockname()[1]
            self._site.origin = self.origin
            self._serving = Serving(self._site, listener, ServerConfig(listener, context))

        return self

    def close(self) -> None:
        """Break every connection and stop serving; what was recorded stays readable. May be called twice."""
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.stop()

    async def aclose(self) -> None:
        """`close()` without holding up the caller's event loop."""
        await anyio.to_thread.run_sync(self.close)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # ---- where it is

    @property
    def port(self) -> int:
        """The port it listens on.

        :raises RuntimeError: before the first start.
        """
        if self._port is None:
            raise RuntimeError("FakeChatGPT has no port before start()")

        return self._port

    @property
    def origin(self) -> str:
        """Scheme, host and port; `public_origin` where that was given."""
        if self._public_origin is not None:
            return self._public_origin

        return f"{'https' if self._site.settings.secure else 'http'}://{self.host}:{self.port}"

    @property
    def api_base_url(self) -> str:
        """The `api_base_url` option of a client."""
        return f"{self.origin}/api"

    @property
    def backend_api_base_url(self) -> str:
        """The `backend_api_base_url` option of a client."""
        return f"{self.origin}/backend-api"

    @property
    def watch_url(self) -> str:
        """The page on which its conversations, requests and faults can be watched while it serves."""
        return f"{self.origin}{WATCH_PATH}"

    @property
    def certificate_authority_pem(self) -> bytes | None:
        """The certificate to trust, in PEM; None without TLS."""
        return None if self._certificates is None else self._certificates.authority_pem
