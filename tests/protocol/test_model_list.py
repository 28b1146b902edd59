"""The list of models with efforts and presets, read as plain data."""

from __future__ import annotations

from typing import Any

import pytest

from chatgpt_browser._protocol.model_list import ModelList, read_model_list


def preset(title: str, model: str, effort: str | None = None) -> dict[str, Any]:
    return {"title": title, "model_slug": model, **({"thinking_effort": effort} if effort else {})}


DATA = {
    "models": [
        {"slug": "fast", "title": "Fast"},
        {
            "slug": "think",
            "title": "Thinker",
            "default_thinking_effort": "extended",
            "thinking_efforts": [
                {"thinking_effort": "standard", "short_label": "Standard"},
                {"thinking_effort": "extended", "short_label": "Extended"},
            ],
        },
        {"slug": "pro", "is_work_mode_model": True},
    ],
    "versions": [
        {
            "intelligence_presets": [
                preset("Instant", "fast"),
                preset("Medium", "think", "standard"),
                preset("High", "think", "extended"),
                preset("Pro", "pro", "max"),
            ]
        },
        {"intelligence_presets": [preset("Old", "older")]},
    ],
}


def test_read_model_list_gives_efforts_titles_and_presets() -> None:
    fast, think, pro = read_model_list(DATA).models

    assert (fast.efforts, fast.default_effort, fast.presets) == ((), None, ("Instant",))
    assert (think.efforts, think.default_effort) == (("standard", "extended"), "extended")
    assert (think.effort_titles, think.presets) == (("Standard", "Extended"), ("Medium", "High"))
    assert (pro.title, pro.efforts, pro.is_work_mode) == (None, ("max",), True)


@pytest.mark.parametrize(
    ("model", "effort", "levels", "positions"),
    [
        ("fast", None, 4, [0]),
        ("think", None, 4, [2, 1]),  # the default effort first
        (None, "standard", 4, [1]),
        ("think", "extended", 3, [2]),  # an account without the last level
        ("pro", None, 3, []),
        ("older", None, 1, [0]),
        ("fast", "max", 4, []),
    ],
)
def test_find_positions_of_preset_on_slider(
    model: str | None, effort: str | None, levels: int, positions: list[int]
) -> None:
    assert read_model_list(DATA).find_positions(model, effort, levels) == positions


def test_titles_of_effort_come_from_presets_and_models() -> None:
    models = read_model_list(DATA)
    assert models.titles_of_effort("think", "extended") == ["High", "Extended"]
    assert models.titles_of_effort("fast", "extended") == []
    assert models.has_model("older")
    assert not models.has_model("unknown")


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        {"models": "x", "versions": 3},
        {"models": [{"slug": 1}, 2], "versions": [{"intelligence_presets": [{"title": 1}, 2]}, 3]},
    ],
)
def test_read_model_list_of_malformed_value_is_empty(malformed: object) -> None:
    found = read_model_list(malformed)
    assert found.models == ModelList().models
    assert not any(found.versions)
