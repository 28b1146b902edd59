"""The default models of the fake site, and the presets of the model picker."""

from __future__ import annotations

from typing import Any

#: The models of December 2022, for a server without a web application.
MODELS: list[dict[str, Any]] = [
    {
        "slug": "text-davinci-002-render",
        "max_tokens": 4097,
        "title": "Turbo (Default)",
        "description": "The fastest model, great for most everyday tasks.",
        "tags": [],
    },
    {
        "slug": "text-davinci-002-render-paid",
        "max_tokens": 4097,
        "title": "Legacy",
        "description": "An earlier model.",
        "tags": ["plus"],
    },
]

_EFFORT_LABELS = {"min": "Light", "standard": "Standard", "extended": "Extended", "max": "Heavy"}
_PRESET_TITLES = {"min": "Low", "standard": "Medium", "extended": "High", "max": "Extra High"}


def _model(slug: str, title: str, reasoning: str, efforts: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "slug": slug,
        "max_tokens": 196_000,
        "title": title,
        "description": f"{title} for tests.",
        "tags": [],
        "reasoning_type": reasoning,
        "configurable_thinking_effort": bool(efforts),
        "thinking_efforts": [{"thinking_effort": e, "short_label": _EFFORT_LABELS[e]} for e in efforts],
        "default_thinking_effort": efforts[0] if efforts else None,
        "enabled_tools": ["search", "canvas"],
        "product_features": {},
        "is_work_mode_model": slug.endswith("-wm"),
    }


#: The models of autumn 2026, for a server with a web application.
APP_MODELS: list[dict[str, Any]] = [
    _model("gpt-5-6", "GPT-5.6 Sol", "none"),
    _model("gpt-5-6-thinking", "GPT-5.6 Thinking", "reasoning", ("standard", "extended", "max")),
    _model("gpt-5-6-mini", "GPT-5.6 Luna", "none"),
    _model("gpt-6-pro", "GPT-6 Pro", "pro"),
    _model("gpt-6-wm", "GPT-6 Work", "auto"),
]

#: The names of other models that the site has had between 2022 and 2026.
_OTHER_NAMES = (
    *(
        "text-davinci-002-render-next",
        "text-davinci-002-render-sha",
        "gpt-4",
        "gpt-4-mobile",
        "gpt-4o",
        "gpt-4o-mini",
    ),
    *(
        "gpt-4-1",
        "gpt-4-1-mini",
        "gpt-4-5",
        "o1",
        "o1-mini",
        "o1-pro",
        "o3",
        "o3-mini",
        "o3-pro",
        "o4-mini",
        "o4-mini-high",
    ),
    *("gpt-5", "gpt-5-mini", "gpt-5-instant", "gpt-5-thinking", "gpt-5-thinking-mini", "gpt-5-pro"),
)
#: The models that a server accepts if the test has not given a list of models.
KNOWN_NAMES = frozenset(_OTHER_NAMES) | {model["slug"] for model in (*MODELS, *APP_MODELS)}
#: The models that every server accepts, even if its list of models does not contain them: the default model of this package's
#: client, and `auto`, with which a page leaves the choice of the model to the site.
ALWAYS_ACCEPTED = frozenset({"text-davinci-002-render", "auto"})


def accepted_names(models: list[dict[str, Any]] | None) -> frozenset[str]:
    """Return the names of the models that a server accepts.

    :param models: the list of models that a test has given to the server. None: the server has the default list.
    """
    names = KNOWN_NAMES if models is None else {model.get("slug", "") for model in models}
    return ALWAYS_ACCEPTED | names


def versions(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the field `versions` of `GET /models`: the presets of the model picker.

    A preset is a model with one of its thinking efforts, such as `extended`, or a model that has no efforts. Models without
    `reasoning_type`, such as those of 2022, have no presets.
    """
    presets = [
        {
            "id": f"{model['slug']}-{effort or 'default'}",
            "title": _preset_title(model, effort),
            "model_slug": model["slug"],
            **({} if effort is None else {"thinking_effort": effort}),
            "lane": "default",
            "preset_type": "intelligence",
        }
        for model in models
        if "reasoning_type" in model and not model.get("is_work_mode_model")
        for effort in ([e["thinking_effort"] for e in model.get("thinking_efforts", ())] or [None])
    ]
    return [{"id": "latest", "intelligence_presets": presets}] if presets else []


def _preset_title(model: dict[str, Any], effort: str | None) -> str:
    if effort is not None:
        return _PRESET_TITLES.get(effort, effort)
    return {"none": "Instant", "pro": "Pro"}.get(model.get("reasoning_type", ""), str(model.get("title")))
