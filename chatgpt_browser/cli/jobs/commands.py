"""`chatgpt-browser jobs`: list, show, wait for, cancel and forget jobs."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatgpt_browser._store.job_record import JobRecord
from chatgpt_browser._store.job_store import JobStore

from .. import shared_options as options
from ..client_factory import client_from_environment
from ..command_class import CommandGroup
from ..exit_codes import errors_as_exit_codes
from ..output.consoles import logging_to_stderr, out, print_note, write_json, write_text
from ..output.conversation_formats import local_time
from ..output.reply import print_reply, print_sources, stream_reply
from ..output.saved_files import save_reply_files
from ..output.tables import write_table
from ..output.wait_spinner import wait_spinner
from .background import COMMAND, log_path
from .stored_reply import reply_fields, text_of
from .waiting import JobWaiter, describe
from .worker import run_in_background

if TYPE_CHECKING:
    from chatgpt_browser import Reply

Id = Annotated[str, typer.Argument(help="Job: its id, or at least 4 characters of its start.", metavar="ID")]
Ids = Annotated[list[str], typer.Argument(help="Jobs: their ids, or the start of them.", metavar="ID")]
HELP = """List, show, wait for, cancel and forget jobs.

`ask --detach` starts a job. A job is kept until `jobs forget` deletes it.

Examples:

chatgpt-browser jobs list

chatgpt-browser jobs wait 1b9d6bcd
"""
_MIN_PREFIX = 4
#: Maps the state of an active job to the text that `jobs show` prints if the job's process has ended.
_AFTER_END = {
    "queued": "ended: the message was not sent",
    "sending": "ended: `jobs wait` looks for the message",
    "running": "ended: `jobs wait` reads the reply",
}

jobs: typer.Typer = typer.Typer(cls=CommandGroup, help=HELP, no_args_is_help=True, add_completion=False)
jobs.command(COMMAND, hidden=True)(run_in_background)


@jobs.command("list")
def list_(as_json: options.AsJson = False) -> None:
    """List all jobs, newest first.

    In a pipe, columns are separated by tabs: id, state, time of submission (ISO 8601), conversation id.

    Examples:

    chatgpt-browser jobs list
    """
    with errors_as_exit_codes(as_json=as_json):
        records = JobStore().list_jobs()
        if as_json:
            write_json([_fields(record) for record in records])
            return
        format_time = local_time if out.is_terminal else datetime.isoformat
        rows = [
            (record.id, record.state, format_time(_time(record.created_at)), record.conversation_id or "")
            for record in records
        ]
        write_table(("Id", "State", "Submitted", "Conversation"), rows, fixed_columns=2)


@jobs.command()
def show(job: Id, as_json: options.AsJson = False) -> None:
    """Show what is known about a job, without a request to the site.

    Examples:

    chatgpt-browser jobs show 1b9d6bcd
    """
    with errors_as_exit_codes(as_json=as_json):
        store = JobStore()
        record = find_job(store, job)
        fields = _fields(record)
        if record.is_active:
            fields["process"] = "running" if store.has_owner(record) else _AFTER_END[record.state]
            fields["waits_for"] = describe(record, time.time())
        if as_json:
            write_json(fields)
        else:
            shown = {name: value for name, value in fields.items() if value not in (None, "")}
            write_text("".join(f"{name.replace('_', ' ')}: {value}\n" for name, value in shown.items()))


@jobs.command()
def wait(
    job: Id,
    timeout: options.Timeout = None,
    as_json: options.AsJson = False,
    save_files: options.SaveFiles = None,
    no_stream: options.NoStream = False,
    plain_text: options.PlainText = False,
    show_thoughts: options.ShowThoughts = False,
    headed: options.Headed = False,
    verbose: options.Verbose = 0,
) -> None:
    """Wait for the reply of a job, and write it to standard output while it arrives. Nothing is sent again.

    If the background process has ended, the reply is read from the conversation.

    Examples:

    chatgpt-browser jobs wait 1b9d6bcd

    chatgpt-browser jobs wait 1b9d6bcd --timeout 3600

    chatgpt-browser jobs wait 1b9d6bcd --save-files pictures
    """
    with errors_as_exit_codes(as_json=as_json), logging_to_stderr(verbose):
        store = JobStore()
        record = find_job(store, job)
        with wait_spinner("the reply", first_step=None) as spinner:
            waiter = JobWaiter(store, record.id, spinner, timeout=timeout, headless=not headed)
            if as_json or no_stream or plain_text or show_thoughts:
                for _ in waiter:
                    pass
            else:
                stream_reply(waiter, markdown=not verbose)
        reply = waiter.reply
        assert reply is not None
        saved = save_job_files(record.id, reply, save_files, headless=not headed)
        if as_json:
            write_json(_fields(store.get(record.id)) | reply_fields(reply) | saved)
        elif no_stream or plain_text or show_thoughts:
            text = text_of(reply, show_thoughts=show_thoughts, plain_text=plain_text)
            print_reply(text, markdown=not plain_text)
            print_sources(reply.citations)


def save_job_files(
    job_id: str, reply: Reply[Any], folder: Path | None, *, headless: bool
) -> dict[str, list[str]]:
    """Save the files of a reply to `folder`, and return a dict with their paths: the field `saved_files` of `--json`.

    If `folder` is None, save nothing and return an empty dict. If the reply has files, start a client to download them.
    """
    if folder is None or not reply.files:
        return save_reply_files(reply, folder)
    with client_from_environment(headless=headless) as api:
        return save_reply_files(api.get_job(job_id).wait(), folder)


@jobs.command()
def cancel(selected: Ids) -> None:
    """Cancel jobs, and stop their replies. A job that has ended does not change.

    Examples:

    chatgpt-browser jobs cancel 1b9d6bcd
    """
    with errors_as_exit_codes():
        store = JobStore()
        for record in [find_job(store, job) for job in selected]:
            changed = store.change(record.id, state="cancelled")
            print_note(f"cancelled {record.id}" if changed else f"{record.id} has already ended")


@jobs.command()
def forget(selected: Ids) -> None:
    """Delete jobs and their replies from this machine. The conversations stay at the site.

    Examples:

    chatgpt-browser jobs forget 1b9d6bcd
    """
    with errors_as_exit_codes():
        store = JobStore()
        for record in [find_job(store, job) for job in selected]:
            store.forget(record.id)
            with suppress(OSError):
                log_path(record.id).unlink()
            print_note(f"deleted {record.id}")


def find_job(store: JobStore, argument: str) -> JobRecord:
    """Return the job that an argument names: an id, or the start of exactly one id.

    :raises JobNotFoundError: there is no such job.
    :raises typer.BadParameter: several ids start with the argument.
    """
    ids = [record.id for record in store.list_jobs() if record.id.startswith(argument.lower())]
    if argument in ids or len(argument) < _MIN_PREFIX or not ids:
        return store.get(argument)
    if len(ids) > 1:
        raise typer.BadParameter(f"several ids start with {argument}: {', '.join(ids[:5])}")
    return store.get(ids[0])


def _fields(record: JobRecord) -> dict[str, Any]:
    """Return the fields of a job that the commands show."""
    log = log_path(record.id)
    return {
        "id": record.id,
        "state": record.state,
        "created_at": _time(record.created_at).isoformat(),
        "updated_at": _time(record.updated_at).isoformat(),
        "last_event": record.event,
        "transport": record.transport,
        "conversation_id": record.conversation_id,
        "question_id": record.question_id,
        "question": record.text,
        "error": None if record.error is None else record.error.get("message"),
        "reply": None if record.reply is None else record.reply.get("text"),
        "log": str(log) if log.exists() else None,
    }


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
