"""`AppControls`: the properties with which a test changes the pages of the web application."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..data.composer_options import ComposerOptions
    from ..data.conversation_view import ConversationView
    from ..data.page_controls import PageControls
    from ..data.upload_options import UploadOptions
    from .chat_app import ChatApp, Dialog, Language, Layout
    from .site import Site
    from .storage import StoredFile


class AppControls:
    """The part of `Controls` for the web application. Any thread may use it."""

    _site: Site

    @property
    def layout(self) -> Layout:
        """The layout of a page (only with `form="app"`). A change has no effect on pages that are already open.

        `usual`: English labels, and attributes for tests (`id`, `data-testid`). `moved`: without these attributes. `foreign`:
        labels in another language. `strange`: both `moved` and `foreign`. `crowded`: with text boxes, buttons and a dialog that
        do not belong to the composer. `2023`, `2025` and `2026` are similar to the site's page of that year. `2023`: one text
        field and one button, without ids and labels. `2025`: with ids and labels. `2026`: with labels, but without ids. Pages
        with the layouts `2025` and `2026` prepare each message with three requests.
        """
        return self._chat_app.layout

    @layout.setter
    def layout(self, layout: Layout) -> None:
        self._chat_app.set_layout(layout)

    @property
    def language(self) -> Language:
        """The language of the layouts `2023`, `2025` and `2026` (only with `form="app"`): `en`, `de`, `fr`, `ja` or `zh`."""
        return self._chat_app.language

    @language.setter
    def language(self, language: Language) -> None:
        self._chat_app.set_language(language)

    @property
    def dialog(self) -> Dialog | None:
        """The dialog that a page shows (only with `form="app"`). None: no dialog. A change has no effect on open pages.

        `rate-limit`: reports too many requests. `unusual-activity`: reports unusual activity. `expired-session` and `signed-out`:
        ask the user to log in. `announcement`: has a close button. `survey`: a kind that clients do not know. `overlay`: like
        `survey`, but without an ARIA role. `choice`: asks which of two answers the user prefers. `choice-in-thread`: asks this
        below each reply, without blocking the page. If a client clicks the main button of a dialog, the server receives
        `GET /backend-api/dialog-answered/…`.
        """
        return self._chat_app.dialog

    @dialog.setter
    def dialog(self, dialog: Dialog | None) -> None:
        self._chat_app.set_dialog(dialog)

    @property
    def ignores_model(self) -> bool:
        """True: a page ignores the model in its address (only with `form="app"`). A change has no effect on open pages."""
        return self._chat_app.ignores_model

    @ignores_model.setter
    def ignores_model(self, ignores: bool) -> None:
        self._chat_app.ignores_model = ignores

    @property
    def modal(self) -> str | None:
        """The title of a modal dialog that a page shows in addition to `dialog` (only with `form="app"`). None: no such dialog.

        A change has no effect on pages that are already open.
        """
        return self._chat_app.modal

    @modal.setter
    def modal(self, title: str | None) -> None:
        self._chat_app.modal = title

    @property
    def wakes_after(self) -> float:
        """The seconds from the opening of a page to its hydration (only with `form="app"`).

        Before the hydration, the page is visible but does not react to input. The hydration empties the composer. A change has no
        effect on pages that are already open.
        """
        return self._chat_app.wakes_after

    @wakes_after.setter
    def wakes_after(self, seconds: float) -> None:
        self._chat_app.wakes_after = seconds

    @property
    def conversation_view(self) -> ConversationView:
        """Options that select how a page loads and shows a conversation (only with `form="app"`).

        A change has no effect on pages that are already open.
        """
        return self._chat_app.conversation_view

    @conversation_view.setter
    def conversation_view(self, view: ConversationView) -> None:
        self._chat_app.conversation_view = view

    @property
    def composer(self) -> ComposerOptions:
        """Options for the composer of a page (only with `form="app"`). A change has no effect on open pages."""
        return self._chat_app.composer

    @composer.setter
    def composer(self, options: ComposerOptions) -> None:
        self._chat_app.composer = options

    @property
    def uploads(self) -> UploadOptions:
        """The way in which a page uploads files, and the limits for files (only with `form="app"`).

        A change of the limits applies at once. A change of the page's behaviour has no effect on pages that are already open.
        """
        return self._site.storage.uploads

    @uploads.setter
    def uploads(self, options: UploadOptions) -> None:
        self._site.storage.uploads = options

    @property
    def files(self) -> list[StoredFile]:
        """The files in the site's storage, oldest first. The list is a copy."""
        return [*self._site.storage.files.values()]

    @property
    def page_controls(self) -> PageControls:
        """Options for the model picker and the "+" menu of a page (only with `form="app"`).

        A change has no effect on pages that are already open.
        """
        return self._chat_app.page_controls

    @page_controls.setter
    def page_controls(self, controls: PageControls) -> None:
        self._chat_app.page_controls = controls

    @property
    def _chat_app(self) -> ChatApp:
        if self._site.chat_app is None:
            raise RuntimeError("this FakeChatGPT has no web application: create it with form='app'")

        return self._site.chat_app
