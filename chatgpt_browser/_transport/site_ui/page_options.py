"""The options of a message on the site's page: builds the address that applies some of them, and checks the page's request.

:data:`PAGE_OPTIONS` has one row for each option. To support a new option, add a row here, and add the code that applies the
option to :mod:`.message_controls`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

from ..._core.errors import OptionNotAppliedError, PageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..._core.message_options import MessageOptions
    from ..._core.models import Prompt


class Tool(NamedTuple):
    """A tool of the "+" menu.

    ``hints`` are the names that a request of the page may use for the tool. ``labels`` are regular expressions for the label of
    the tool's item in the menu.
    """

    hints: tuple[str, ...]
    labels: tuple[str, ...]


DEEP_RESEARCH = "deep_research"

#: The tools for which this package defines a name. If the caller passes any other name, it is used as the hint and as the label.
TOOLS = {
    "search": Tool(("search",), (r"(web )?search\b", r"search the web", r"websuche|rechercher|搜索|検索")),
    DEEP_RESEARCH: Tool(
        (
            "plugin:connector_openai_deep_research",
            "connector_openai_deep_research",
            "deep_research",
            "research",
        ),
        (r"(run |get )?(a )?deep research", r"deep-research|recherche approfondie|深度研究"),
    ),
    "image": Tool(
        ("picture_v2", "picture", "image"),
        (r"(create|generate|make) (an? )?(image|picture)", r"bild erstellen|créer une image|创建图片|画像"),
    ),
    "study": Tool(("tatertot", "study"), (r"study\b", r"study and learn")),
    "canvas": Tool(("canvas",), (r"canvas\b",)),
    "sketch": Tool(("sketch",), (r"sketch\b",)),
    "tasks": Tool(("tasks",), (r"(scheduled )?tasks\b",)),
    "reason": Tool(("reason",), (r"(reason|think)\b", r"think(ing)? longer")),
}


def tool_of(name: str) -> Tool:
    """Return the tool with this name or hint. If it is unknown, return a new tool whose hint and label are the name."""
    import re

    found = next((tool for key, tool in TOOLS.items() if name == key or name in tool.hints), None)
    return found or Tool((name,), (re.escape(name.replace("_", " ")),))


@dataclass(frozen=True)
class PageOption:
    """One option: its name, and functions that read its value from the caller's options and from the page's request."""

    name: str
    #: A function that returns the requested value, or None if the caller did not set the option. Its second argument is the
    #: model, or None if the page chooses the model.
    requested: Callable[[MessageOptions, str | None], Any]
    #: A function that returns the value in a request, or None if the request does not have the option. Its arguments are the body
    #: of the request and the metadata of the message in this body.
    sent: Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
    #: A function that returns whether two values are equal: the value in the request, and the requested value.
    matches: Callable[[Any, Any], bool]


def _hints(body: Mapping[str, Any], metadata: Mapping[str, Any]) -> tuple[str, ...] | None:
    found = (*_texts(body.get("system_hints")), *_texts(metadata.get("system_hints")))
    return tuple(dict.fromkeys(found)) or None


def _has_tools(requested: tuple[str, ...], sent: tuple[str, ...] | None) -> bool:
    return all(any(hint in tool_of(name).hints for hint in sent or ()) for name in requested)


def _project_in(body: Mapping[str, Any], metadata: Mapping[str, Any]) -> str | None:
    mode = body.get("conversation_mode")
    found = mode.get("gizmo_id") if isinstance(mode, dict) else None
    return _text(found) or _text(body.get("gizmo_id")) or _text(metadata.get("gizmo_id"))


def _is_same_project(requested: str, sent: str | None) -> bool:
    """Return whether two ids mean the same project. The name of a project may follow its id, after a hyphen."""
    return sent is not None and (
        requested == sent or requested.startswith(f"{sent}-") or sent.startswith(f"{requested}-")
    )


PAGE_OPTIONS = (
    PageOption(
        "model",
        lambda options, model: model,
        lambda body, metadata: _text(body.get("model")),
        lambda requested, sent: requested == sent,
    ),
    PageOption(
        "effort",
        lambda options, model: options.effort,
        lambda body, metadata: _text(body.get("thinking_effort")) or _text(metadata.get("thinking_effort")),
        lambda requested, sent: requested == sent,
    ),
    PageOption("tools", lambda options, model: options.tools or None, _hints, _has_tools),
    PageOption(
        "temporary",
        lambda options, model: options.temporary or None,
        lambda body, metadata: body.get("history_and_training_disabled") is True or None,
        lambda requested, sent: requested == sent,
    ),
    PageOption("project", lambda options, model: options.project, _project_in, _is_same_project),
)


def read_options(body: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options in a request of the page. An option that the request does not have is left out."""
    values = {option.name: option.sent(body, metadata) for option in PAGE_OPTIONS}
    return {name: value for name, value in values.items() if value is not None}


def check_options(
    sent: Mapping[str, Any], options: MessageOptions, *, model: str | None, is_new: bool
) -> None:
    """Compare the requested options with the options in the page's request.

    :param model: the model that the caller has chosen, or None if the page chooses the model.
    :param is_new: True if the message begins a conversation.
    :raises OptionNotAppliedError: in the request, a requested option is missing or has another value.
    """
    for option in PAGE_OPTIONS:
        requested = option.requested(options, model)
        value = sent.get(option.name)
        if requested is not None and not option.matches(requested, value):
            raise _difference(option.name, requested, value, is_new=is_new)


def check_unreadable(options: MessageOptions, model: str | None) -> None:
    """Check that the caller has requested no option.

    Call this if the format of the page's request is unknown, so that the options in it cannot be checked.

    :param model: the model that the caller has chosen, or None if the page chooses the model.
    :raises OptionNotAppliedError: the caller has requested an option.
    """
    if options.files:
        raise not_applied("files", options.files[0].name, None, _UNREADABLE)
    for option in PAGE_OPTIONS:
        if (requested := option.requested(options, model)) is not None:
            raise not_applied(option.name, _shown(requested), None, _UNREADABLE)


_STOPPED = "The message was sent, and its answer was stopped."
_UNREADABLE = (
    "The request of the site's page has a format that this version cannot read, so the option cannot be checked. "
    f"{_STOPPED}"
)


def not_applied(option: str, requested: str | None, sent: str | None, message: str) -> OptionNotAppliedError:
    """Return the error for an option that the page did not apply."""
    return OptionNotAppliedError(message, option=option, requested=requested, sent=sent)


def address_of(prompt: Prompt, model: str | None) -> str:
    """Return the address of a message's conversation, without the origin.

    The address of a new conversation also applies options: either the project, or the model and the temporary chat. The address
    of a project has no query, because the page of a project shows an error if its address has a query.

    :raises PageError: the message continues a temporary chat, which has no address.
    """
    options = prompt.options
    if prompt.conversation_id is not None and options.temporary:
        raise PageError(
            "A temporary chat has no address, and no page shows this one any more, so it cannot be continued. Nothing was sent. "
            "Begin a new temporary chat."
        )
    if prompt.conversation_id is not None:
        return f"/c/{quote(prompt.conversation_id, safe='')}"
    if options.project is not None:
        return f"/g/{quote(options.project, safe='')}/project"
    query = {"model": model} if model else {}
    if options.temporary:
        query["temporary-chat"] = "true"
    return "/?" + urlencode(query) if query else "/"


def work_mode_error(*, is_sent: bool) -> PageError:
    """Return the error for a page in the mode "Work"."""
    state = _STOPPED if is_sent else "Nothing was sent."
    return PageError(
        f'The site\'s page is in the mode "Work", which is another product and is not supported. {state} Switch the page to '
        '"Chat" in a window with the same profile (`chatgpt-browser login`).'
    )


def is_work_request(body: Mapping[str, Any]) -> bool:
    """Return whether a page in the mode "Work" has sent this request."""
    return body.get("conversation_origin") == "tpp"


def _difference(name: str, requested: Any, sent: Any, *, is_new: bool) -> OptionNotAppliedError:
    wanted, found = _shown(requested), _shown(sent)
    if found is None and name == "model":
        text = f"The site's page sent the message without a model instead of to the model {wanted!r}."
    elif name == "model":
        text = f"The site's page sent the message to the model {found!r} instead of {wanted!r}."
    elif found is None:
        text = f"The site's page sent the message without the option {name} ({wanted!r})."
    else:
        text = f"The site's page sent the message with {name} {found!r} instead of {wanted!r}."
    advice = _ADVICE.get((name, is_new)) or _ADVICE.get((name, None), "")
    return not_applied(name, wanted, found, f"{text} {_STOPPED} {advice}".rstrip())


_ADVICE: dict[tuple[str, bool | None], str] = {
    ("model", True): "Check whether the account can use the model (`list_models()`), or leave the model out.",
    (
        "model",
        False,
    ): "The page keeps the model of an existing conversation: start a new conversation for another model, or "
    "leave the model out.",
    ("effort", None): "Check which efforts the model has (`list_models()`), or leave the effort out.",
    ("project", False): "A project can be chosen only for a new conversation.",
    ("temporary", False): "Only a new conversation can be a temporary chat.",
}


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, (list, tuple)) else []
