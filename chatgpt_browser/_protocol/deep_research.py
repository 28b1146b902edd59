"""The state of a deep research in a stored conversation.

A deep research starts with a message of the user. The stream of the reply ends after a short acknowledgement. During the
research, the site stores the plan, and later the report, as JSON in the field ``chatgpt_sdk.widget_state`` of a tool message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .conversation_tree import newest_branch
from .message import message_text
from .site_json import parse_json_or_none

if TYPE_CHECKING:
    from collections.abc import Container

#: The query parameters for a conversation. With these parameters, the response also contains the state of a research.
WITH_RESEARCH = "include_visually_hidden_messages=true&include_widget_state=true"

_COMPLETED = ("completed", "complete", "finished", "done")
_FAILED = ("failed", "error", "cancelled", "canceled")


@dataclass(frozen=True)
class Research:
    """The state of a research. ``steps`` contains the titles of the plan's steps.

    ``report`` is the message with the report, or None until the research is complete.
    """

    status: str | None = None
    steps: tuple[str, ...] = ()
    report: dict[str, Any] | None = field(default=None, repr=False)
    is_failed: bool = False

    @property
    def text(self) -> str:
        """The text of the report, or "" if the research is not complete."""
        return message_text(self.report) if self.report is not None else ""


def read_research(conversation: Any, questions: Container[str | None]) -> Research | None:
    """Return the state of the research that answers a question in a stored conversation, or None if there is no research.

    :param questions: the ids that the question may have.
    """
    for node_id, node in newest_branch(conversation):
        if node_id in questions:
            break
        message = node.get("message")
        state = _widget_state(message) if isinstance(message, dict) else None
        if state is not None:
            return _read_state(state)
    return None


def is_under_way(conversation: Any) -> bool:
    """Return whether the site is still working on an answer in this stored conversation."""
    return isinstance(conversation, dict) and conversation.get("async_status") is not None


def _widget_state(message: dict[str, Any]) -> dict[str, Any] | None:
    metadata = message.get("metadata")
    sdk = metadata.get("chatgpt_sdk") if isinstance(metadata, dict) else None
    state = sdk.get("widget_state") if isinstance(sdk, dict) else None
    if isinstance(state, str):
        state = parse_json_or_none(state)
    return state if isinstance(state, dict) else None


def _read_state(state: dict[str, Any]) -> Research:
    status = state.get("status") if isinstance(state.get("status"), str) else None
    plan = state.get("plan")
    steps = plan.get("steps") if isinstance(plan, dict) else None
    report = state.get("report_message")
    is_written = isinstance(report, dict) and report.get("status") in (None, "finished_successfully")
    return Research(
        status,
        tuple(_title(step) for step in steps) if isinstance(steps, list) else (),
        report if is_written and status in _COMPLETED else None,
        status in _FAILED,
    )


def _title(step: Any) -> str:
    if isinstance(step, dict):
        step = next(
            (step[key] for key in ("title", "text", "description") if isinstance(step.get(key), str)), ""
        )
    return step if isinstance(step, str) else ""
