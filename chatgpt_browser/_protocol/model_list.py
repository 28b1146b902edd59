"""The models of an account: reads the response of ``GET /models``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._core.public import public_type


@public_type
@dataclass(frozen=True)
class Model:
    """A model that the account may use.

    * ``slug`` is the value for the option ``model``, and ``title`` is the name on the site's page.
    * ``efforts`` contains the values for the option ``effort`` with this model. It is empty if the effort cannot be chosen.
    * ``effort_titles`` contains the labels of the efforts on the site's page. Efforts without a label are left out.
    * ``default_effort`` is the effort that the site uses if the option ``effort`` is not set, or None if this effort is unknown.
    * ``presets`` contains the titles of the levels in the page's model picker that use this model.
    * ``is_work_mode`` is True for a model of the mode "Work", which this package does not use.
    * ``raw`` is the site's JSON object for this model.
    """

    slug: str
    title: str | None = None
    max_tokens: int | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)
    description: str | None = None
    efforts: tuple[str, ...] = ()
    effort_titles: tuple[str, ...] = ()
    default_effort: str | None = None
    presets: tuple[str, ...] = ()
    is_work_mode: bool = False


class Preset(NamedTuple):
    """A level of the page's model picker."""

    title: str
    model: str
    effort: str | None = None


@dataclass(frozen=True)
class ModelList:
    """The models of an account, and the levels of the page's model picker.

    The site offers several versions of its models. ``versions`` contains one tuple of presets for each version.
    """

    models: tuple[Model, ...] = ()
    versions: tuple[tuple[Preset, ...], ...] = ()

    def find_presets(self, model: str | None, effort: str | None) -> list[Preset]:
        """Return the presets with this model and this effort. If an argument is None, it matches every preset."""
        return [
            preset
            for presets in self.versions
            for preset in presets
            if model in (None, preset.model) and effort in (None, preset.effort)
        ]

    def find_positions(self, model: str | None, effort: str | None, levels: int) -> list[int]:
        """Return the positions of presets on the slider of the page's model picker.

        ``model`` and ``effort`` select the presets; None selects all. Positions of the models' default efforts come first.

        :param levels: the number of levels of the slider. It may be smaller than the number of presets. In this case, the slider
            has no positions for the last presets.
        """
        found = self.find_presets(model, effort)
        by_length = sorted(self.versions, key=lambda presets: len(presets) != levels)
        version = next((each for each in by_length if any(preset in found for preset in each[:levels])), ())
        defaults = {each.slug: each.default_effort for each in self.models}
        positions = [at for at, preset in enumerate(version[:levels]) if preset in found]
        return sorted(positions, key=lambda at: version[at].effort != defaults.get(version[at].model))

    @property
    def titles(self) -> list[str]:
        """The names of all models, as the page shows them."""
        return [model.title for model in self.models if model.title]

    def has_model(self, slug: str) -> bool:
        """Return whether the page offers the model."""
        return any(model.slug == slug for model in self.models) or bool(self.find_presets(slug, None))

    def titles_of_model(self, slug: str) -> list[str]:
        """Return the names that the page shows for a model."""
        return [model.title for model in self.models if model.slug == slug and model.title]

    def titles_of_effort(self, model: str | None, effort: str) -> list[str]:
        """Return the labels that the page may show for an effort: first the titles of presets, then the labels of the models."""
        titles = [preset.title for preset in self.find_presets(model, effort)]
        for each in self.models:
            if model in (None, each.slug) and len(each.effort_titles) == len(each.efforts):
                pairs = zip(each.efforts, each.effort_titles, strict=True)
                titles += [title for value, title in pairs if value == effort]
        return list(dict.fromkeys(titles))


def read_models(data: Any) -> list[Model]:
    """Return the models in a response of ``GET /models``. Entries without a slug are skipped."""
    return [*read_model_list(data).models]


def read_model_list(data: Any) -> ModelList:
    """Return the models and the presets in a response of ``GET /models``."""
    fields = data if isinstance(data, dict) else {}
    versions = tuple(
        tuple(
            Preset(preset["title"], preset["model_slug"], _text(preset.get("thinking_effort")))
            for preset in _objects(version.get("intelligence_presets"))
            if isinstance(preset.get("title"), str) and isinstance(preset.get("model_slug"), str)
        )
        for version in _objects(fields.get("versions"))
    )
    presets = [preset for version in versions for preset in version]
    models = (
        _model(item, presets) for item in _objects(fields.get("models")) if isinstance(item.get("slug"), str)
    )
    return ModelList(tuple(models), versions)


def _model(item: dict[str, Any], presets: list[Preset]) -> Model:
    own = [preset for preset in presets if preset.model == item["slug"]]
    listed = [each for each in _objects(item.get("thinking_efforts")) if _text(each.get("thinking_effort"))]
    efforts = [each["thinking_effort"] for each in listed] or [each.effort for each in own if each.effort]
    titles = [_label(each) for each in listed]
    max_tokens = item.get("max_tokens")
    return Model(
        item["slug"],
        _text(item.get("title")),
        max_tokens if isinstance(max_tokens, int) else None,
        item,
        _text(item.get("description")),
        tuple(dict.fromkeys(efforts)),
        tuple(title for title in titles if title is not None),
        _text(item.get("default_thinking_effort")),
        tuple(dict.fromkeys(preset.title for preset in own)),
        item.get("is_work_mode_model") is True,
    )


def _label(effort: dict[str, Any]) -> str | None:
    """Return the text of the first field whose name contains "label" or "title", or None if there is no such field."""
    named = (value for key, value in effort.items() if "label" in key or "title" in key)
    return next((value for value in named if isinstance(value, str) and value), None)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
