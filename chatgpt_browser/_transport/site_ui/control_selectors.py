"""The selectors and labels of the page's controls for a message: file inputs, the "+" menu, and the model picker.

See :mod:`.selectors` for the form of the entries and for their sources.
"""

from __future__ import annotations

from typing import Literal

from .selectors import FORM, ElementRule, Entry

# ---- Files -----------------------------------------------------------------------------------------------------------

#: The inputs for files of every kind, the most reliable first.
FILE_INPUTS = (
    Entry("input#upload-files[type=file]", "2026-10", "capture"),
    Entry("input#upload-photos[type=file]", "2026-06", "capture"),
    Entry(f"{FORM} input[type=file]:not([accept^='image/'])", "2026-10", "capture"),
    Entry("input[type=file]:not([accept^='image/'])", "2026-10", "capture"),
)
#: The inputs that accept only images.
IMAGE_INPUTS = (
    Entry('[data-testid="upload-photos-input"]', "2026-10", "capture"),
    Entry("input[type=file][accept^='image/']", "2026-10", "capture"),
)

#: Matches the item of the "+" menu that opens the dialog for files.
ADD_FILES = (
    Entry(r"(add|upload|attach)\s+(photos|files|images|from computer|a file)", "2026-10", "oracle"),
    Entry(r"(photos|files) (&|and) (files|photos)", "2026-10", "guess"),
    Entry(r"(dateien|fotos) hinzuf|ajouter des (photos|fichiers)|添加(照片|文件)|写真", "2026-11", "guess"),
)

#: Matches the text of an alert about a file that the page does not upload.
FILE_ALERT = (
    r"upload failed|(couldn['\u2019]?t|could not|failed to|unable to) upload|unsupported file|file is too large|"
    r"too many files|at most \d+ files|attach at most|limit for file uploads|file type is not supported"
)
#: The elements that may contain an alert about a file.
ALERTS = "[role=alert], [role=status], .toast-root, [data-sonner-toast], aside"

# ---- The "+" menu ----------------------------------------------------------------------------------------------------

PLUS_BUTTON = ElementRule(
    roles=("button",),
    labels=(
        Entry(r"add (files|photos|content|attachments?|images?)\b", "2026-10", "oracle"),
        Entry(r"(attach|upload) (a )?files?\b|more tools\b|choose tool\b", "2026-06", "guess"),
        Entry(r"dateien|ajouter des fichiers|añadir|ファイルを追加|添加文件", "2026-11", "guess"),
    ),
    names=(
        Entry('[data-testid="composer-plus-btn"]', "2026-10", "oracle"),
        Entry("#composer-plus-btn", "2026-10", "oracle"),
    ),
)

# ---- The model picker ------------------------------------------------------------------------------------------------

MODEL_BUTTON = ElementRule(
    roles=("button",),
    labels=(
        Entry(
            r"(select|choose|change|switch) (chatgpt )?model\b|model (selector|switcher)",
            "2026-10",
            "capture",
        ),
        Entry(r"modell wählen|choisir un modèle|elegir modelo|モデルを選択|选择模型", "2026-11", "guess"),
    ),
    names=(
        Entry('[data-testid="model-switcher-dropdown-button"]', "2026-06", "oracle"),
        Entry('[data-testid="composer-intelligence-picker-trigger"]', "2026-10", "guess"),
        Entry("button.__composer-pill[aria-haspopup]", "2026-10", "oracle"),
        Entry("button.__composer-pill:not([aria-label*=remove i])", "2026-10", "oracle"),
    ),
)

#: The menus, and the ARIA roles of their items.
MENUS = "[role=menu], [role=listbox], [data-testid=composer-intelligence-picker-content]"
ITEM_ROLES: tuple[Literal["menuitem", "menuitemradio", "menuitemcheckbox", "option", "radio"], ...]
ITEM_ROLES = ("menuitem", "menuitemradio", "menuitemcheckbox", "option", "radio")
ITEMS = ", ".join(f"[role={role}]" for role in ITEM_ROLES)

#: The slider for the level of intelligence. The first selector finds the element that handles the keys. The second selector finds
#: the element that has the value.
SLIDER = ("[data-reasoning-slider]", "[role=slider]")

#: Matches the items that open a submenu.
SUBMENUS = (
    Entry(r"more( models| tools)?\s*$|…$|\.\.\.$", "2026-10", "oracle"),
    Entry(r"advanced\b|effort\b|thinking (effort|time)|legacy models|other models", "2026-10", "oracle"),
    Entry(r"mehr|erweitert|plus\s*$|avancé|更多|高级", "2026-11", "guess"),
)

# ---- Modes -----------------------------------------------------------------------------------------------------------

#: Matches the label of the mode "Work".
WORK_LABEL = r"^\s*work\s*$"
