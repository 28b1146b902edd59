"""The site as a person sees it (`form="app"`): a web application of its own, and what it may that a bare request may not."""

from __future__ import annotations

import html
import mimetypes
import secrets
import threading
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Literal, get_args

from ..data.cookies import read_session_token
from ..script.responses import Answer

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from .site import Site

#: How the page is laid out. `usual`: labels in English, and names for tests. `moved`: the names for tests are gone.
#: `foreign`: the labels are in another language. `strange`: both. `crowded`: with more to write into, to send and to answer than
#: the composer.
Layout = Literal["usual", "moved", "foreign", "strange", "crowded"]

#: The header without which a message is none of the page's own.
REQUIREMENTS_HEADER = "openai-sentinel-chat-requirements-token"

_FILES = ("app.css", "app.js", "api.js", "deltas.js", "icon.svg", "view.js")
_POLICY = [("content-security-policy", "default-src 'self'"), ("cache-control", "no-store")]


class Application:
    """Its pages, and the tokens by which it knows its own messages."""

    def __init__(self) -> None:
        self.layout: Layout = "usual"
        #: The title of a dialog that stands in the way of each page that is opened; None: none does.
        self.modal: str | None = None
        #: Seconds after which a page that is opened comes alive; until then it is drawn, and nobody sees to it.
        self.wakes_after = 0.0
        self._lock = threading.Lock()
        self._tokens: set[str] = set()

    def set_layout(self, layout: Layout) -> None:
        """Lay out like this what is opened from now on.

        :raises ValueError: for a layout that there is not.
        """
        if layout not in get_args(Layout):
            raise ValueError(f"a layout is one of {get_args(Layout)}, not {layout!r}")
        self.layout = layout

    def page(self, site: Site, record: RecordedRequest) -> Answer:
        """The application for whoever is signed in, else the door."""
        token = read_session_token(record.cookies, secure=site.settings.secure)
        if site.session_answer == "signed_out" or not site.session_tokens.is_valid(token):
            return Answer(200, _read("signed_out.html"), _POLICY)

        page = Template(_read("index.html"))
        modal = html.escape(self.modal or "", quote=True)
        told = {"layout": self.layout, "modal": modal, "wakes_after": int(self.wakes_after * 1000)}
        return Answer(200, page.substitute(told), _POLICY)

    def file(self, name: str) -> Answer:
        """A file that its pages need."""
        if name not in _FILES:
            return Answer.error(404, "Not Found")

        kind = mimetypes.guess_type(name)[0] or "text/plain"
        return Answer(200, _read(name), _POLICY, content_type=f"{kind}; charset=utf-8")

    def issue(self) -> Answer:
        """A token for one message."""
        token = secrets.token_urlsafe(48)
        with self._lock:
            self._tokens.add(token)
        return Answer(200, {"persona": "chatgpt-fake", "token": token})

    def refuse(self, record: RecordedRequest) -> Answer | None:
        """The 403 for a message that does not come from the page; None for one that does. Each token serves once."""
        token = record.headers.get(REQUIREMENTS_HEADER, "")
        with self._lock:
            if token in self._tokens:
                self._tokens.remove(token)
                return None
        return Answer.error(403, "Unusual activity has been detected from your device. Try again later.")


def _read(name: str) -> str:
    return (files(__package__) / "app" / name).read_text(encoding="utf-8")
