"""Checks the fields of a request. A field that the site cannot apply is accepted only with its default value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import APIError, invalid, unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

#: The fields that `--ignore-sampling` drops.
SAMPLING = frozenset(
    {
        "temperature",
        "top_p",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
    }
)
#: Maps the efforts of OpenAI's API to those of the site. ``medium`` is the API's default, and leaves the choice to the site.
_EFFORTS = {"minimal": "min", "low": "min", "medium": None, "high": "extended", "xhigh": "max"}
#: The site's own names of its efforts. A request may contain these names instead of those of OpenAI's API.
_SITE_EFFORTS = ("min", "standard", "extended", "max")
#: The defaults of two fields about OpenAI's cache. The default of the second one depends on the organisation.
PROMPT_CACHE_OPTIONS: tuple[Any, ...] = ({"mode": "implicit", "ttl": "30m", "prewarm": False},)
PROMPT_CACHE_RETENTION: tuple[Any, ...] = ("in_memory", "in-memory", "24h")
#: The name that selects the default model of the ChatGPT client.
AUTO = "auto"


class Fields:
    """The fields of one request.

    :param defaults: the fields that the site cannot apply, each with the values that are accepted nevertheless.
    :param supported: the names of all other known fields.
    :param ignore_sampling: if True, drop the fields in :data:`SAMPLING`.
    :param prefix: text before each field name in errors, for example ``"reasoning."`` for the fields of ``reasoning``.
    :raises APIError: the request has an unknown field, or a field that the site cannot apply.
    """

    def __init__(
        self,
        body: dict[str, Any],
        defaults: Mapping[str, tuple[Any, ...]],
        supported: Set[str],
        *,
        ignore_sampling: bool = False,
        prefix: str = "",
    ) -> None:
        self._body = body
        self._prefix = prefix
        for name, value in body.items():
            if value is None or name in supported or (ignore_sampling and name in SAMPLING):
                continue
            if name not in defaults:
                raise APIError(
                    400, f"Unknown field: {prefix}{name}.", code="unknown_parameter", param=prefix + name
                )
            if not any(_equal(value, default) for default in defaults[name]):
                hint = " The option --ignore-sampling drops this field." if name in SAMPLING else ""
                raise unsupported(prefix + name, f"the site cannot apply this field.{hint}")

    def text(self, name: str) -> str | None:
        """Return a text, or None if the field is missing or null.

        :raises APIError: the value is not a text.
        """
        value = self._body.get(name)
        if value is not None and not isinstance(value, str):
            raise invalid(self._prefix + name, "must be a string")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean, or ``default`` if the field is missing or null.

        :raises APIError: the value is neither true nor false.
        """
        value = self._body.get(name)
        if value is not None and not isinstance(value, bool):
            raise invalid(self._prefix + name, "must be true or false")
        return default if value is None else value

    def object(self, name: str) -> dict[str, Any]:
        """Return an object, or an empty dict if the field is missing or null.

        :raises APIError: the value is not an object.
        """
        value = self._body.get(name)
        if value is not None and not isinstance(value, dict):
            raise invalid(self._prefix + name, "must be an object")
        return value or {}

    def items(self, name: str) -> list[Any]:
        """Return a list, or an empty list if the field is missing or null.

        :raises APIError: the value is not a list.
        """
        value = self._body.get(name)
        if value is not None and not isinstance(value, list):
            raise invalid(self._prefix + name, "must be an array")
        return value or []

    def nested(self, name: str, defaults: Mapping[str, tuple[Any, ...]], *supported: str) -> Fields:
        """Return the fields of an object in the request. A missing object has no fields.

        :raises APIError: the value is not an object, or has an unknown field or a field that the site cannot apply.
        """
        return Fields(self.object(name), defaults, frozenset(supported), prefix=f"{name}.")

    def __getitem__(self, name: str) -> Any:
        """Return the value of a field, or None."""
        return self._body.get(name)

    def model(self) -> str:
        """Return the name of the requested model.

        :raises APIError: the model is missing.
        """
        model = self.text("model")
        if not (model or "").strip():
            raise invalid("model", f'must be the name of a model, or "{AUTO}"')
        return str(model)


def model_options(model: str) -> dict[str, Any]:
    """Return a dict with the option ``model`` of a message, or an empty dict for the client's default model."""
    return {} if model == AUTO else {"model": model}


def effort_options(effort: Any, field: str) -> dict[str, Any]:
    """Return a dict with the option ``effort`` of a message, or an empty dict if the site chooses the effort.

    :param field: the name of the request's field, for the error.
    :raises APIError: the site has no such effort.
    """
    if effort is None or effort in _SITE_EFFORTS:
        return {} if effort is None else {"effort": effort}
    if not isinstance(effort, str) or effort not in _EFFORTS:
        known = ", ".join(map(repr, (*_EFFORTS, *_SITE_EFFORTS)))
        raise unsupported(field, f"the site's efforts are {known}")
    found = _EFFORTS[effort]
    return {} if found is None else {"effort": found}


def _equal(value: Any, default: Any) -> bool:
    """Return whether a value is the default. 1 and 1.0 are equal, but 1 and True are not.

    An object is the default if each of its fields is null or has the value that it has in the default object.
    """
    if isinstance(value, dict) and isinstance(default, dict):
        return all(item is None or _equal(item, default.get(name)) for name, item in value.items())
    return isinstance(value, bool) == isinstance(default, bool) and bool(value == default)
