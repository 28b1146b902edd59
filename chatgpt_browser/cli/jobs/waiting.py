"""Waits for a job, and shows the new text while it arrives. If no process works on the job, this process reads the reply."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chatgpt_browser._core.errors import ChatGPTTimeoutError
from chatgpt_browser._core.log import logger

from ..client_factory import client_from_environment
from ..output.consoles import print_note

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI, ChatGPTError, Citation, Reply
    from chatgpt_browser._store.job_record import JobRecord
    from chatgpt_browser._store.job_store import JobStore

    from ..output.wait_spinner import WaitSpinner

#: Interval in seconds at which the job is read from the store. SQLite does not notify other processes of a change.
_INTERVAL = 0.3


class JobWaiter:
    """Waits for one job, and yields the pieces of its reply."""

    def __init__(
        self, store: JobStore, job_id: str, spinner: WaitSpinner, *, timeout: float | None, headless: bool
    ) -> None:
        self._store = store
        self._job_id = job_id
        self._spinner = spinner
        self._timeout = timeout
        self._headless = headless
        self._shown = ""
        self._logged = ""
        self._reader: _Reader | None = None
        #: The whole reply, or None until the last piece was yielded.
        self.reply: Reply | None = None

    @property
    def text(self) -> str:
        """The text so far."""
        return self._shown if self.reply is None else self.reply.text

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The citations of the complete reply."""
        return () if self.reply is None else self.reply.citations

    def __iter__(self) -> Iterator[str]:
        """Yield each new piece of the reply's text.

        :raises ChatGPTTimeoutError: the timeout has passed. The job continues.
        :raises ChatGPTError: the job has failed with this error.
        """
        ends_at = None if self._timeout is None else time.monotonic() + self._timeout
        try:
            while (record := self._store.get(self._job_id)).is_active:
                yield from self._new_text(record.partial or "")
                self._spinner.what = describe(record, time.time())
                self._log_event(record)
                self._read_if_abandoned(record)
                if ends_at is not None and time.monotonic() >= ends_at:
                    raise ChatGPTTimeoutError(limit="timeout_ms", seconds=self._timeout)
                time.sleep(_INTERVAL)
        finally:
            if self._reader is not None:
                self._reader.close()
        # This import is slow, and `--help` does not need it.
        from chatgpt_browser._client.job_runner import outcome

        self.reply = outcome(record)
        yield from self._new_text(self.reply.text, is_last=True)

    def _new_text(self, text: str, *, is_last: bool = False) -> Iterator[str]:
        if text.startswith(self._shown):
            piece = text[len(self._shown) :]
            self._shown = text
            if piece:
                self._spinner.stop()
                yield piece
        elif is_last:  # The site has replaced the text, so the whole text is written again.
            self._spinner.stop()
            print_note("the site has changed the reply; the whole reply follows")
            yield f"\n{text}"

    def _log_event(self, record: JobRecord) -> None:
        if record.event is not None and record.event != self._logged:
            self._logged = record.event
            logger.info("job %s: %s", record.id, record.event)

    def _read_if_abandoned(self, record: JobRecord) -> None:
        """If no process works on the job, start to read its reply in this process."""
        if self._reader is not None:
            self._reader.check()
        elif not self._store.has_owner(record):
            self._reader = _Reader(self._job_id, headless=self._headless)


class _Reader:
    """Takes a job over: a thread waits for the reply, with a new client."""

    def __init__(self, job_id: str, *, headless: bool) -> None:
        self._clients = client_from_environment(headless=headless)
        self._api: ChatGPTAPI = self._clients.__enter__()
        self._error: ChatGPTError | None = None
        self._thread = threading.Thread(
            target=self._wait, args=(job_id,), name="chatgpt_browser job", daemon=True
        )
        self._thread.start()

    def _wait(self, job_id: str) -> None:
        from chatgpt_browser import ChatGPTError

        try:
            self._api.get_job(job_id).wait()
        except ChatGPTError as error:
            self._error = error

    def check(self) -> None:
        """Raise the error with which the thread has ended, if any."""
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Close the client. If the job has not ended, another process can take it over."""
        self._clients.__exit__(None, None, None)


def describe(record: JobRecord, now: float) -> str:
    """Return a description of a job: its state, its age and its last event. ``now`` is in seconds since the epoch."""
    since = format_age(now - record.created_at)
    last = f"; {format_age(now - record.updated_at)} ago: {record.event}" if record.event else ""
    return f"the reply of job {record.id} ({record.state} for {since}{last})"


def format_age(seconds: float) -> str:
    """Return a duration in its two largest units, such as ``2 h 5 min``. A negative duration counts as 0."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next((index for index, (number, _) in enumerate(units) if number), 3)
    return " ".join(f"{number} {unit}" for number, unit in units[first : first + 2] if number) or "0 s"
