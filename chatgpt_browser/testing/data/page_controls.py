"""`PageControls`: options for the model picker, the "+" menu and the modes of the web application's page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The model picker. `slider`: a slider of presets, and a list of models behind "Advanced", as in autumn 2026. `menu`: a menu of
#: models with test ids, and a submenu for the effort, as before autumn 2026. `none`: the page has no model picker.
Picker = Literal["slider", "menu", "none"]
#: The message options that a page can ignore.
PageOption = Literal["model", "effort", "tools", "temporary", "project"]


@dataclass(frozen=True)
class PageControls:
    """Options for the controls of a page with `form="app"`.

    >>> server.page_controls = PageControls(picker="menu", ignores=["effort"])

    :raises ValueError: if `picker` or an item of `ignores` is unknown.
    """

    picker: Picker = "slider"
    #: The options that the page does not send with a message, even if the user has chosen them.
    ignores: Sequence[PageOption] = ()
    #: False: the page ignores `?model=` in its address. The model must be chosen in the picker.
    reads_model_address: bool = True
    #: True: the tools are behind the item "More" of the "+" menu.
    tools_in_more: bool = False
    #: True: writing text into the composer discards the chosen tool, as on the site.
    text_clears_tool: bool = True
    #: True: a trusted click on a model in the list has no effect, as was seen on the site. The Enter key still chooses the model.
    ignores_model_clicks: bool = False
    #: True: the page is in the mode "Work", which is another product.
    work_mode: bool = False

    def __post_init__(self) -> None:
        if self.picker not in get_args(Picker):
            raise ValueError(f"picker must be one of {get_args(Picker)}, not {self.picker!r}")
        for name in self.ignores:
            if name not in get_args(PageOption):
                raise ValueError(f"ignores must contain only {get_args(PageOption)}, not {name!r}")
