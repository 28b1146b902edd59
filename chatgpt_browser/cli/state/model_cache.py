"""Saves the names of the models that the command `models` lists. The shell completion of options uses them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from ..environment import site_origin
from .data_folder import DataFolder

if TYPE_CHECKING:
    from chatgpt_browser import Model


class ModelNames(NamedTuple):
    """The name of a model, its title, and the names of the reasoning efforts that it offers."""

    slug: str
    title: str
    efforts: tuple[str, ...]


def remember_models(models: Iterable[Model]) -> None:
    """Save the names of the models. An error is ignored, for example if the folder is read-only."""
    names = [
        {"slug": model.slug, "title": model.title or "", "efforts": list(model.efforts)} for model in models
    ]
    folder = DataFolder.current()
    with suppress(OSError):
        folder.write_json(folder.model_list, site_origin(), {"models": names})


def remembered_models(folder: DataFolder, origin: str) -> list[ModelNames]:
    """Return the saved names of the models of a site. Invalid entries are left out."""
    saved: Any = folder.read_json(folder.model_list, origin).get("models")
    if not isinstance(saved, list):
        return []
    return [
        ModelNames(
            model["slug"],
            str(model.get("title") or ""),
            tuple(effort for effort in _list(model.get("efforts")) if isinstance(effort, str)),
        )
        for model in saved
        if isinstance(model, dict) and isinstance(model.get("slug"), str)
    ]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
