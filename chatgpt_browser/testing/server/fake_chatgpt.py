"""`FakeChatGPT`: the fake server, with its options, its start and stop, and its URLs."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from .certificates import make_tls_context
from .controls import Controls
from .listener import LARGEST_PORT, Listener
from .model_list import APP_MODELS, MODELS, accepted_names
from .server_thread import ServerThread
from .settings import USER, Form, Settings
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

    The class is a synchronous and an asynchronous context manager. From `start()` to `close()`, the server listens on
    127.0.0.1 and runs in a separate thread. Times are in milliseconds or a `timedelta`; only the timeouts of methods that
    wait are in seconds.

    :param replies: the replies to the first messages, in order. The method `script()` adds more replies.
    :param reply: the reply to all later messages: a text, a step, or a callable that takes a `Turn` and returns a text, a
        step or an iterator of pieces. The callable may be asynchronous. It runs in the server's thread and must not
        block. None: the reply quotes the user's message, and the previous message of the user.
    :param pace: the rate of all replies that set neither `pace` nor `interval`. None: these replies are sent without waiting.
    :param tls: True: serve HTTPS. Clients must trust the certificate in `certificate_authority_pem`.
    :param http2: False: the server does not offer HTTP/2 over TLS. None or True: it offers HTTP/2. Without TLS, this option has
        no effect, and the server uses HTTP/2 if the client starts with it.
    :param session_token: the session token that is valid at first; None: a random token.
    :param access_token_lifetime: the lifetime of access tokens.
    :param rotate_session_token: True: each response of the session endpoint for a valid session sets a new random session
        token of the same length. A sequence of texts: the responses set these tokens, in order; later responses keep the last
        one. The newest token and the token before it are valid.
    :param challenge: the kind of challenge, `passes` or `person`, that clients without clearance must pass first. None: no
        challenge.
    :param one_message_at_a_time: True: while one message is being answered, respond with 429 to other messages.
    :param encoding: the format of all replies that do not set `encoding`: `whole` (as in 2022) or `delta`. None: `delta` with
        `form="app"`, otherwise `whole`.
    :param form: `app`: serve a web application at `/` and `/c/{id}`, and accept a message only from the page of this
        application; respond with 403 to other messages. `api`: serve only the API endpoints.
    :param user: the user object in the responses of the session endpoint; None: an example user.
    :param models: the list of models. A message for a model that is not in this list is refused with 400, unless the model is
        `auto` or the default model of `ChatGPTAPI`. None: the list contains models of 2026 with `form="app"`, otherwise two
        models of 2022; messages for all other models that the site has ever had are also accepted.
    :param public_origin: the origin in the base URLs, for browsers that map the host of this origin to the server. None: the
        address of the server.
    :param port: the port. If it is 0, the system chooses a free port.
    :param strict: True: respond with 400 to a message for which there is no scripted reply, recording or rule.
        `assert_all_used` reports these messages.
    :raises TypeError: if `replies` is a text, or a reply is neither a text, a step nor a callable.
    :raises ValueError: if a session token is not a valid cookie value, if `challenge`, `encoding` or `form` is unknown, if
        the scheme of `public_origin` does not match `tls`, if both `reply` and `strict` are given, or if `port` is not the number
        of a port.
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
        strict: bool = False,
    ) -> None:
        if public_origin is not None and not public_origin.startswith("https://" if tls else "http://"):
            raise ValueError(
                f"public_origin must start with http{'s' * tls}:// because tls={tls}: {public_origin}"
            )

        if encoding not in (None, "whole", "delta"):
            raise ValueError(f"encoding must be 'whole' or 'delta', not {encoding!r}")
        if form not in ("api", "app"):
            raise ValueError(f"form must be 'api' or 'app', not {form!r}")
        if not 0 <= port <= LARGEST_PORT:
            raise ValueError(f"port must be a number from 0 to {LARGEST_PORT}, not {port}")

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
                accepted_models=accepted_names(models),
                models=models or (APP_MODELS if form == "app" else MODELS),
                pace=pace,
                strict=strict,
            )
        )
        self._site.origin = self._public_origin or ""
        self._server_thread: ServerThread | None = None

    def __setattr__(self, name: str, value: object) -> None:
        # Without this check, an assignment to a misspelled or unknown attribute would raise no error, and have no effect.
        is_known = name == "host" or name.startswith("_") or hasattr(type(self), name)
        if not is_known and type(self) is FakeChatGPT:
            advice = ""
            if name in inspect.signature(FakeChatGPT).parameters:
                advice = f". It is an option of the constructor: FakeChatGPT({name}=…)"
            elif close := difflib.get_close_matches(name, dir(self), 1):
                advice = f". Did you mean {close[0]!r}?"
            raise AttributeError(f"FakeChatGPT has no attribute {name!r}{advice}")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        state = self.origin if self._site.port else "not started"
        return f"<FakeChatGPT {state}, {len(self.requests)} requests>"

    def start(self) -> Self:
        """Start the server, and return this object. When the method returns, clients can connect.

        If the server is running, the call has no effect. After `close()`, a call starts the server again on the same port.

        :raises OSError: if the port is in use.
        """
        if self._server_thread is None:
            listener = Listener(self.host, self._site.port or self._requested_port)
            storage = self._site.storage
            storage_listener = Listener(self.host, storage.port)
            storage.port = storage_listener.getsockname()[1]
            self._site.port = listener.getsockname()[1]
            self._site.origin = storage.site_origin = self.origin
            storage.origin = (
                f"{'https' if self._site.settings.secure else 'http'}://{self.host}:{storage.port}"
            )
            listeners = [listener, storage_listener]
            self._server_thread = ServerThread(self._site, listeners, self._tls_context)

        return self

    def close(self) -> None:
        """Break all connections and stop the server. The recorded requests stay available. A second call has no effect."""
        thread, self._server_thread = self._server_thread, None
        if thread is not None:
            thread.stop()

    async def aclose(self) -> None:
        """Call `close()` in a worker thread, so that the event loop is not blocked."""
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
        """The port on which the server listens.

        :raises RuntimeError: before the first start.
        """
        if not self._site.port:
            raise RuntimeError("FakeChatGPT has no port before its first start(): call start() or use `with`")

        return self._site.port

    @property
    def origin(self) -> str:
        """The origin of the server's URLs: `public_origin` if it was given, otherwise scheme, host and port of the server."""
        if self._public_origin is not None:
            return self._public_origin

        return f"{'https' if self._site.settings.secure else 'http'}://{self.host}:{self.port}"

    @property
    def api_base_url(self) -> str:
        """The URL to pass to a client as its option `api_base_url`."""
        return f"{self.origin}/api"

    @property
    def backend_api_base_url(self) -> str:
        """The URL to pass to a client as its option `backend_api_base_url`."""
        return f"{self.origin}/backend-api"

    @property
    def client_options(self) -> dict[str, Any]:
        """The options for a client of this server: `ChatGPTAPI(**server.client_options)`. They contain the session token."""
        return {
            "session_token": self.session_token,
            "api_base_url": self.api_base_url,
            "backend_api_base_url": self.backend_api_base_url,
        }

    @property
    def watch_url(self) -> str:
        """The URL of the watch page, which shows conversations, requests and faults while the server is running."""
        return f"{self.origin}{WATCH_PATH}"

    @property
    def certificate_authority_pem(self) -> bytes | None:
        """The PEM certificate of the certificate authority that clients must trust. None without TLS."""
        return self._authority_pem
