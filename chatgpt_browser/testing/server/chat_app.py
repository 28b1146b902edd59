"""`ChatApp`: the web application of the site (`form="app"`), and the tokens with which its page sends messages."""

from __future__ import annotations

import html
import json
import mimetypes
import secrets
from dataclasses import asdict
from string import Template
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

from ..data.composer_options import ComposerOptions
from ..data.conversation_view import ConversationView
from ..data.page_controls import PageControls
from ..script.responses import Answer
from .static_files import read_static

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from .storage import Storage

_T = TypeVar("_T")

#: The layout of the page. `usual`: English labels, and attributes for tests (`id`, `data-testid`). `moved`: without these
#: attributes. `foreign`: labels in another language. `strange`: both `moved` and `foreign`. `crowded`: with text boxes, buttons
#: and a dialog that do not belong to the composer. `2023`: one text field and one button, without ids and labels. `2025`: with
#: ids and labels. `2026`: with labels, but without ids.
Layout = Literal["usual", "moved", "foreign", "strange", "crowded", "2023", "2025", "2026"]

#: The language of the labels in the layouts `2023`, `2025` and `2026`.
Language = Literal["en", "de", "fr", "ja", "zh"]

#: A dialog of the page. `rate-limit`: reports too many requests. `unusual-activity`: reports unusual activity. `expired-session`
#: and `signed-out`: ask the user to log in. `announcement`: has a close button. `survey`: a kind that clients do not know.
#: `overlay`: like `survey`, but without an ARIA role. `choice`: asks which of two answers the user prefers. `choice-in-thread`:
#: asks this question below each reply, without blocking the page.
Dialog = Literal[
    "rate-limit",
    "unusual-activity",
    "expired-session",
    "signed-out",
    "announcement",
    "survey",
    "overlay",
    "choice",
    "choice-in-thread",
]

#: The header that proves that the page itself sent a message.
REQUIREMENTS_HEADER = "openai-sentinel-chat-requirements-token"

_FILES = (
    "address.js",
    "app.css",
    "app.js",
    "api.js",
    "composer.js",
    "continuation.js",
    "controls.js",
    "deltas.js",
    "dialogs.js",
    "icon.svg",
    "layouts.js",
    "menus.js",
    "uploads.js",
    "view.js",
)


def _policy(storage: Storage) -> list[tuple[str, str]]:
    """Return the headers of the pages. Their policy allows connections only to the page's own origin and to the storage."""
    sources = (
        f"default-src 'self'; connect-src 'self' {storage.origin}; img-src 'self' blob: {storage.origin}"
    )
    return [
        ("content-security-policy", f"{sources}; frame-ancestors 'none'"),
        ("cache-control", "no-store"),
    ]


def _shell(options: ComposerOptions) -> str:
    """Return the HTML of the shell (see `ComposerOptions.shell`), or an empty text if the page has no shell."""
    if not options.shell:
        return ""
    return Template(read_static("app/shell.html")).substitute(
        inert="" if options.shell_accepts_clicks else "inert"
    )


class ChatApp:
    """The pages of the web application, and the single-use tokens with which a page sends messages.

    A change of an option has no effect on pages that are already open.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.layout: Layout = "usual"
        #: The title of a modal dialog that a page shows in addition to `dialog`. None: no such dialog.
        self.modal: str | None = None
        self.language: Language = "en"
        #: The dialog that a page shows. None: no dialog.
        self.dialog: Dialog | None = None
        #: True: a page ignores the model in its address and chooses another model.
        self.ignores_model = False
        #: The seconds from the opening of a page to its hydration. Before the hydration, the page is visible but does not react
        #: to input. The hydration empties the composer.
        self.wakes_after: float = 0.0
        #: The way in which a page loads and shows a conversation.
        self.conversation_view: ConversationView = ConversationView()
        #: The behaviour of a page's composer.
        self.composer: ComposerOptions = ComposerOptions()
        #: The model picker and the "+" menu of a page.
        self.page_controls: PageControls = PageControls()
        # No lock is needed, because only the server's thread uses the tokens.
        self._tokens: set[str] = set()

    def set_layout(self, layout: Layout) -> None:
        """Set the layout. Pages that are already open do not change.

        :raises ValueError: for an unknown layout.
        """
        self.layout = _checked("layout", layout, get_args(Layout))

    def set_language(self, language: Language) -> None:
        """Set the language. Pages that are already open do not change.

        :raises ValueError: for an unknown language.
        """
        self.language = _checked("language", language, get_args(Language))

    def set_dialog(self, dialog: Dialog | None) -> None:
        """Set the dialog. Pages that are already open do not change.

        :raises ValueError: for an unknown dialog.
        """
        self.dialog = _checked("dialog", dialog, (*get_args(Dialog), None))

    def page(self, *, is_signed_in: bool) -> Answer:
        """Return the application's page, or the log-in page if the user is not signed in."""
        policy = _policy(self._storage)
        if not is_signed_in:
            return Answer(200, read_static("app/signed_out.html"), policy)

        page = Template(read_static("app/index.html"))
        modal = html.escape(self.modal or "", quote=True)
        values = {
            "layout": self.layout,
            "language": self.language,
            "modal": modal,
            "dialog": self.dialog or "",
            "ignores_model": "yes" if self.ignores_model else "",
            "wakes_after": int(self.wakes_after * 1000),
            "view": html.escape(json.dumps(self.conversation_view.to_json()), quote=True),
            "composer": html.escape(json.dumps(asdict(self.composer)), quote=True),
            "uploads": html.escape(json.dumps(asdict(self._storage.uploads)), quote=True),
            "controls": html.escape(json.dumps(asdict(self.page_controls)), quote=True),
            "shell": _shell(self.composer),
            "composer_hidden": "hidden" * self.composer.shell,
        }
        return Answer(200, page.substitute(values), policy)

    def file(self, name: str) -> Answer:
        """Return a static file of the pages, or a 404."""
        if name not in _FILES:
            return Answer.error(404, "Not Found")

        kind = mimetypes.guess_type(name)[0] or "text/plain"
        return Answer(
            200, read_static(f"app/{name}"), _policy(self._storage), content_type=f"{kind}; charset=utf-8"
        )

    def issue(self) -> Answer:
        """Return a response that contains a token for one message."""
        token = secrets.token_urlsafe(48)
        self._tokens.add(token)
        return Answer(200, {"persona": "chatgpt-fake", "token": token})

    def refuse(self, record: RecordedRequest) -> Answer | None:
        """Return a 403 if the message has no valid token. Otherwise make the token invalid and return None."""
        token = record.headers.get(REQUIREMENTS_HEADER, "")
        if token in self._tokens:
            self._tokens.remove(token)
            return None
        return Answer.error(403, "Unusual activity has been detected from your device. Try again later.")


def _checked(name: str, value: _T, known: tuple[object, ...]) -> _T:
    if value not in known:
        raise ValueError(f"{name} must be one of {known}, not {value!r}")
    return value
