"""The checks of `doctor --live`: send a short message by each transport, and save a report without contents."""

from __future__ import annotations

import json
import platform
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chatgpt_browser import __version__
from chatgpt_browser._core import errors

from .anonymization import remove_words
from .checks import Check, Finding, ok, problem, skipped, warning
from .context import CheckContext
from .live_attempt import LiveAttempt
from .virtual_display import display_for_window

if TYPE_CHECKING:
    from chatgpt_browser._core.choices import SendVia

QUESTION = "Please answer with the one word: ready"
#: The time limit for one message with its reply, in milliseconds.
TIMEOUT_MS = 120_000
#: The time limit in seconds for each step in the site's page, such as the wait for the message box. It replaces the longer limit
#: of the client, so that the check ends soon if the page has no message box.
PAGE_STEP_SECONDS = 7.0
#: The tolerated difference between the site's clock and this machine's clock.
CLOCK_SKEW = timedelta(minutes=10)
REPORT = "please report it, and attach the file named in the last line"
USE_THE_PAGE = "the default, `--send-via auto`, changes to the page by itself; in Python, `send_via` has the same default"
REFUSED = (
    "the site refuses the account, the IP address (a VPN or data centre) or the browser: check whether you can send a message by "
    f"hand on this machine (`chatgpt-browser login`). If you can, {REPORT}"
)


def send_question(context: CheckContext, send_via: SendVia, name: str = "") -> Finding:
    """Send the question by the given transport, record the response, and delete the conversation. Return the finding.

    ``name`` is the name of the attempt in the report; if it is empty, the name of the transport is used.
    """
    attempt = context.attempts[name or send_via] = LiveAttempt()
    client = context.client(send_via=send_via)
    if send_via == "page":
        context.limit_page_steps(PAGE_STEP_SECONDS)
    conversation = client.get_conversation()
    context.remember_secrets()
    started = datetime.now(timezone.utc)
    try:
        reply = conversation.send_message(
            QUESTION, timeout_ms=TIMEOUT_MS, on_conversation_response=attempt.record_event
        )
    except errors.ChatGPTError as error:
        attempt.record_error(error)
        attempt.conversation_id = getattr(error, "conversation_id", None) or attempt.conversation_id
        if attempt.conversation_id is None and not isinstance(
            error, (errors.APIConnectionError, errors.APIStatusError, errors.AuthenticationError)
        ):
            attempt.conversation_id = _find_conversation(context, send_via, started)
        finding = _failure_finding(send_via, error)
    else:
        attempt.outcome = "works"
        if send_via == "page":
            attempt.matches = context.matching_selectors()
        attempt.conversation_id = conversation.conversation_id
        summary = f"works: {len(reply)} characters in {attempt.count} events ({attempt.form})"
        finding = ok(summary, works=True, events=attempt.count, form=attempt.form)
    finally:
        context.remember_secrets()
    note = _delete_conversation(context, attempt.conversation_id, send_via)
    return replace(finding, summary=finding.summary + note)


def send_question_in_window(context: CheckContext) -> Finding:
    """Send the question by the site's page in a browser with a window, because the site may refuse a browser without a window."""
    if context.options.browser_urls:
        return skipped("the browser is already running")
    if not context.options.headless:
        return skipped("the check `page` has used a window")
    with display_for_window() as display:
        if not display:
            return skipped("there is no display, and Xvfb is not installed (Debian: apt install xvfb)")
        try:
            context.show_window()
            finding = send_question(context, "page", "page in a window")
        finally:
            context.close_browser()
    return replace(finding, summary=f"{finding.summary} (display: {display})")


def _failure_finding(send_via: SendVia, error: errors.ChatGPTError) -> Finding:
    """Return the finding for an error of `send_message`."""
    if isinstance(error, errors.UnusualActivityError):
        if send_via == "fetch":
            return warning("the site accepts messages only from its own page", USE_THE_PAGE, works=False)
        return problem(error, REFUSED, works=False)
    if isinstance(error, (errors.PageError, errors.StreamError)):
        return problem(error, REPORT, works=False)
    if isinstance(error, errors.RateLimitError):
        return problem(error, "wait as long as the site requests, then try again", works=False)
    if isinstance(error, (errors.APIStatusError, errors.ChatGPTTimeoutError)) and not isinstance(
        error, errors.AuthenticationError
    ):
        return problem(error, f"try again later; if the problem persists, {REPORT}", works=False)
    return problem(error, works=False)


def _find_conversation(context: CheckContext, send_via: SendVia, started: datetime) -> str | None:
    """Return the id of a new conversation whose only user message is `QUESTION`, or None.

    Such a conversation exists if the site accepted the message, but the reply broke off before the conversation id arrived.
    """
    client = context.client(send_via=send_via)
    with suppress(errors.ChatGPTError):
        for summary in client.list_conversations(0, 5):
            if summary.create_time is not None and summary.create_time < started - CLOCK_SKEW:
                continue
            messages = client.get_history(summary.id).messages
            if [m.text for m in messages if m.role == "user" and not m.hidden] == [QUESTION]:
                return summary.id
    return None


def _delete_conversation(context: CheckContext, conversation_id: str | None, send_via: SendVia) -> str:
    """Delete the conversation. If this fails, return a note for the summary, else an empty string."""
    if conversation_id is None:
        return ""
    try:
        context.client(send_via=send_via).delete_conversation(conversation_id)
    except errors.ChatGPTError:
        return "; its conversation could not be deleted and is still in your list"
    return ""


def save_report(context: CheckContext) -> Finding:
    """Save the records of all messages as a file in the current folder. The user can attach the file to a bug report."""
    from chatgpt_browser._core.files import write_private
    from chatgpt_browser._protocol.redaction import scrub

    now = datetime.now(timezone.utc)
    report = {
        "chatgpt_browser": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "browser": context.browser.version if context.browser is not None else None,
        "origin": context.origin,
        "at": now.isoformat(timespec="seconds"),
        "ways": {send_via: attempt.to_json() for send_via, attempt in context.attempts.items()},
    }
    anonymous = remove_words(report, context.user_words)
    text = scrub(json.dumps(anonymous, indent=1, ensure_ascii=False), context.secrets)
    try:
        path = Path(f"chatgpt-browser-live-{now:%Y%m%d-%H%M%S}.json").absolute()
        write_private(path, text)
    except OSError as error:
        return warning(f"no report: {error}", "run the command in a folder that you can write to")
    return ok(f"{path}: structure without contents; check it before you share it", path=str(path))


CHECKS: tuple[Check[CheckContext], ...] = (
    Check("fetch", partial(send_question, send_via="fetch"), ("session",)),
    Check("page", partial(send_question, send_via="page"), ("session",)),
    Check("window", send_question_in_window, ("session",)),
    Check("saved", save_report, ("session",)),
)
