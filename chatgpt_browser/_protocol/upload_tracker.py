"""Follows the file uploads of a page by means of the requests that the page sends. This module does no I/O.

One upload consists of these requests:

1. ``POST /files``: the response contains the id of the file and a URL.
2. ``PUT`` or ``POST`` with the bytes, to this URL.
3. ``POST /files/process_upload_stream``: the response ends when the site has processed the file.

Some versions of the page also send ``POST /files/{id}/uploaded``. A page may repeat a request that has failed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from .site_json import parse_json_or_none

#: If the page does not repeat a failed request within this number of seconds, the upload has failed. REFUSAL_TIME applies if the
#: response had a 4xx status other than 401. FAILURE_TIME applies if it had the status 401 or a 5xx status, or if there was no
#: response.
REFUSAL_TIME, FAILURE_TIME = 1.5, 6.0
#: If the page sends no request to process a file within this number of seconds after the bytes were stored, the upload is treated
#: as done. The reason is that some versions of the page do not request the processing of images.
UNPROCESSED_TIME = 8.0

_FIRST_ERROR_STATUS, _FIRST_SERVER_ERROR, _UNAUTHORIZED = 400, 500, 401
#: Parts of event names. An event whose name contains one of these texts reports that the site could not process the file.
_FAILURES = ("fail", "error", "rejected", "unsupported")
#: The end of an event name, and a progress in percent. If the name of an event ends with this text, or if an event reports this
#: progress, the site has processed the file.
_COMPLETED, _FULL_PROGRESS = "processing.completed", 100


class Step(Enum):
    """The steps of an upload. Each step is one kind of request."""

    CREATE = "create"
    STORE = "store"
    PROCESS = "process"


class Failure(NamedTuple):
    """The failure of a request in an upload.

    ``time`` is the time of the failure. If the page does not repeat the request within ``wait`` seconds after this time, the
    upload has failed.
    """

    reason: str
    time: float
    wait: float


@dataclass
class Upload:
    """The upload of one file."""

    name: str
    file_id: str | None = None
    url: str | None = None
    #: The time at which the bytes were stored, or None.
    stored_at: float | None = None
    is_processing: bool = False
    is_done: bool = False
    #: True if the upload is done, but the site's response does not report that the file was processed.
    is_unconfirmed: bool = False
    failure: Failure | None = None


@dataclass
class _Request:
    """A request that belongs to an upload. If the upload is not known yet, ``upload`` is None."""

    step: Step
    upload: Upload | None
    #: The URL if the request stores the bytes of a file. The id of the file if the request starts the processing.
    target: str = ""
    #: The status, the body and the end time of the response, or None if the response has not ended yet.
    response: tuple[int, str, float] | None = None


@dataclass
class UploadTracker:
    """Follows the uploads of one page. ``backend_url`` is the base URL of the backend. All times are clock values in seconds."""

    backend_url: str
    uploads: list[Upload] = field(default_factory=list)
    _requests: dict[str, _Request] = field(default_factory=dict)

    def start(self, request_id: str, method: str, url: str, body: str | None) -> None:
        """Record that the page has sent a request. Ignore the request if it does not belong to an upload."""
        path = url.partition("?")[0]
        if method == "POST" and path == f"{self.backend_url}/files":
            name = _object(body).get("file_name")
            self._requests[request_id] = _Request(
                Step.CREATE, self._create(name if isinstance(name, str) else "")
            )
        elif method == "POST" and path == f"{self.backend_url}/files/process_upload_stream":
            file_id = str(_object(body).get("file_id") or "")
            self._start(_Request(Step.PROCESS, self._find_processed(file_id), file_id), request_id)
        elif method in ("PUT", "POST"):
            self._start(_Request(Step.STORE, self._find_stored(url), url), request_id)

    def step_of(self, request_id: str) -> Step | None:
        """Return the step of a request that belongs, or may belong, to an upload. For any other request, return None."""
        found = self._requests.get(request_id)
        return found.step if found is not None else None

    def end(self, request_id: str, status: int, body: str, now: float) -> None:
        """Record that a response was read to its end at the time ``now``. The status 0 means that there is no response."""
        if (request := self._requests.get(request_id)) is None:
            return
        request.response = (status, body, now)
        if request.upload is not None:
            del self._requests[request_id]
            self._end(request.step, request.upload, status, body, now)

    def _end(self, step: Step, upload: Upload, status: int, body: str, now: float) -> None:
        if not status or status >= _FIRST_ERROR_STATUS:
            upload.failure = _failure(status, body, now)
        elif step is Step.CREATE:
            self._created(upload, _object(body), now)
        elif step is Step.STORE:
            upload.stored_at = now
        elif (problem := _problem_in(body)) is not None:
            upload.failure = Failure(problem, now, 0.0)
        else:
            upload.is_done = True
            upload.is_unconfirmed = not _is_confirmed(body)

    def failed(self, now: float) -> Upload | None:
        """Return the first upload that has failed because the page has not repeated a failed request in time, or None."""
        return next(
            (each for each in self.uploads if each.failure and now >= each.failure.time + each.failure.wait),
            None,
        )

    def finish_unprocessed(self, now: float) -> None:
        """If an upload has waited ``UNPROCESSED_TIME`` seconds for a request to process its file, mark the upload as done."""
        for upload in self.uploads:
            is_idle = not upload.is_processing and upload.failure is None
            if is_idle and upload.stored_at is not None and now >= upload.stored_at + UNPROCESSED_TIME:
                upload.is_done = True

    def is_complete(self, count: int) -> bool:
        """Return whether there are at least ``count`` uploads, and all uploads are done.

        Sometimes the browser does not return the response body that contains the id of a file. Then the later responses for this
        file cannot be assigned to its upload, and the upload is never marked as done. Therefore, for each successful response
        that is not assigned to an upload, one upload that is not marked as done is counted as done.
        """
        missing = sum(not upload.is_done for upload in self.uploads)
        return len(self.uploads) >= count and missing <= len(self._unassigned)

    def unconfirmed(self) -> list[str]:
        """Return the names of the files that were uploaded, but whose processing no response has confirmed.

        A response may be empty or incomplete, or the browser may not return its body. Call this method after :meth:`is_complete`
        has returned True.
        """
        has_doubt = not all(map(_is_confirmed, self._unassigned))
        return [
            upload.name
            for upload in self.uploads
            if upload.is_unconfirmed or (has_doubt and not upload.is_done)
        ]

    def next_deadline(self) -> float | None:
        """Return the next time to call :meth:`failed` and :meth:`finish_unprocessed`, or None if no upload has a deadline."""
        times = [each.failure.time + each.failure.wait for each in self.uploads if each.failure]
        times += [
            each.stored_at + UNPROCESSED_TIME
            for each in self.uploads
            if each.stored_at is not None and not (each.is_processing or each.is_done or each.failure)
        ]
        return min(times, default=None)

    @property
    def _unassigned(self) -> list[str]:
        """The bodies of successful responses to ``process_upload_stream`` that cannot be assigned to an upload."""
        responses = [
            request.response
            for request in self._requests.values()
            if request.step is Step.PROCESS and request.upload is None and request.response is not None
        ]
        return [body for status, body, _ in responses if _is_processed(status, body)]

    def _create(self, name: str) -> Upload:
        """Return the upload for a new request ``POST /files``.

        If the upload of a file with this name has failed, this request is a new attempt, and the result is the failed upload.
        Otherwise, the result is a new upload.
        """
        for upload in self.uploads:
            if upload.failure is not None and upload.name == name:
                upload.failure = upload.stored_at = None
                upload.is_processing = upload.is_unconfirmed = False
                return upload
        self.uploads.append(Upload(name))
        return self.uploads[-1]

    def _start(self, request: _Request, request_id: str) -> None:
        if request.upload is not None:
            request.upload.failure = request.upload.stored_at = None
            request.upload.is_processing = request.step is Step.PROCESS
        self._requests[request_id] = request

    def _adopt(self, upload: Upload) -> None:
        """Assign to an upload the requests that began before the id and the URL of the upload were known."""
        for request_id, request in [*self._requests.items()]:
            if request.upload is not None:
                continue
            find = self._find_stored if request.step is Step.STORE else self._find_processed
            if find(request.target) is not upload:
                continue
            self._start(_Request(request.step, upload, request.target), request_id)
            if request.response is not None:
                self.end(request_id, *request.response)

    def _find_processed(self, file_id: str) -> Upload | None:
        return next((upload for upload in self.uploads if upload.file_id and upload.file_id == file_id), None)

    def _find_stored(self, url: str) -> Upload | None:
        path = unquote(urlsplit(url).path)
        for upload in self.uploads:
            if upload.is_done or upload.file_id is None or upload.is_processing:
                continue
            is_own = path.startswith(urlsplit(self.backend_url).path) and path.endswith("/uploaded")
            if not is_own and (url == upload.url or upload.file_id in path):
                return upload
        return None

    def _created(self, upload: Upload, body: dict[str, Any], now: float) -> None:
        file_id, url = body.get("file_id"), body.get("upload_url")
        upload.file_id = file_id if isinstance(file_id, str) else None
        upload.url = url if isinstance(url, str) else None
        if body.get("status") == "error" or body.get("error_code"):
            upload.failure = Failure(_words_of(body), now, 0.0)
        self._adopt(upload)


def _failure(status: int, body: str, now: float) -> Failure:
    if not status:
        return Failure(body or "the connection failed", now, FAILURE_TIME)
    words = _words_of(_object(body))
    is_passing = status >= _FIRST_SERVER_ERROR or status == _UNAUTHORIZED
    reason = f"HTTP {status}: {words}" if words else f"HTTP {status}"
    return Failure(reason, now, FAILURE_TIME if is_passing else REFUSAL_TIME)


def _is_processed(status: int, body: str) -> bool:
    return 0 < status < _FIRST_ERROR_STATUS and _problem_in(body) is None


def _is_confirmed(body: str) -> bool:
    """Return whether a response of ``process_upload_stream`` reports that the site has processed the file."""
    return any(
        _kind_of(event).endswith(_COMPLETED) or event.get("progress") == _FULL_PROGRESS
        for event in _events_in(body)
    )


def _problem_in(body: str) -> str | None:
    """Return the problem that a response of ``process_upload_stream`` reports, or None if it reports no problem."""
    for event in _events_in(body):
        kind = _kind_of(event)
        if event.get("error") or event.get("error_code") or any(part in kind for part in _FAILURES):
            return _words_of(event) or kind
    return None


def _events_in(body: str) -> list[dict[str, Any]]:
    return [_object(line.strip().removeprefix("data:")) for line in body.splitlines()]


def _kind_of(event: dict[str, Any]) -> str:
    return str(event.get("event") or event.get("type") or "").lower()


def _words_of(body: dict[str, Any]) -> str:
    """Return the words with which a response explains an error, as one line."""
    for key in ("detail", "error", "message", "error_message", "error_code", "code"):
        value = body.get(key)
        if isinstance(value, dict):
            value = _words_of(value)
        if isinstance(value, str) and value:
            return " ".join(value.split())[:300]
    return ""


def _object(text: str | None) -> dict[str, Any]:
    value = parse_json_or_none(text or "")
    return value if isinstance(value, dict) else {}
