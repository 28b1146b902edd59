"""The progress of uploads, read from a page's requests, as plain data."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from chatgpt_browser._protocol.upload_tracker import (
    FAILURE_TIME,
    REFUSAL_TIME,
    UNPROCESSED_TIME,
    UploadTracker,
)

BACKEND = "https://site.example/backend-api"
PROCESS = f"{BACKEND}/files/process_upload_stream"


def started() -> UploadTracker:
    """Return a tracker of a page that has sent ``POST /files`` for the files a and b, as the requests 1 and 2."""
    tracker = UploadTracker(BACKEND)
    for number, name in enumerate("ab", 1):
        tracker.start(str(number), "POST", f"{BACKEND}/files", json.dumps({"file_name": name}))
    return tracker


def created(name: str) -> str:
    return json.dumps({"file_id": f"file_{name}", "upload_url": f"https://storage.example/{name}?sig=1"})


def perform(tracker: UploadTracker, step: str, name: str) -> None:
    """Play one event of an upload at the time 0."""
    number = {"a": "1", "b": "2"}[name]
    if step == "created":
        tracker.end(number, 200, created(name), 0)
    elif step == "put":
        tracker.start(f"put {name}", "PUT", f"https://storage.example/{name}?sig=1", None)
    elif step == "stored":
        tracker.end(f"put {name}", 201, "", 0)
    elif step == "process":
        tracker.start(f"process {name}", "POST", PROCESS, json.dumps({"file_id": f"file_{name}"}))
    else:
        tracker.end(f"process {name}", 200, '{"event": "file.processing.completed"}\n', 0)


STEPS = ("created", "put", "stored", "process", "processed")


@pytest.mark.parametrize("late", range(5))
def test_tracker_late_body_of_created_file_completes_at_last_response(late: int) -> None:
    order = [step for step in STEPS if step != "created"]
    order.insert(late, "created")  # the browser returns this body later than it reports the next requests
    tracker = started()
    events = [*itertools.product(order, "ba")]
    for number, (step, name) in enumerate(events):
        assert not tracker.is_complete(2) or late == len(STEPS) - 1, events[:number]
        perform(tracker, step, name)

    assert tracker.is_complete(2)
    assert tracker.failed(1000) is None


def test_tracker_unreadable_bodies_are_counted() -> None:
    tracker = started()
    for name in "ab":
        tracker.end({"a": "1", "b": "2"}[name], 200, "", 0)
        perform(tracker, "process", name)
        assert not tracker.is_complete(2)
        perform(tracker, "processed", name)
    assert tracker.is_complete(2)


@pytest.mark.parametrize(
    ("status", "body", "reason", "wait"),
    [
        (
            413,
            '{"detail": {"code": "too_large", "message": "Too large"}}',
            "HTTP 413: Too large",
            REFUSAL_TIME,
        ),
        (429, '{"detail": "Limit reached"}', "HTTP 429: Limit reached", REFUSAL_TIME),
        (401, "{}", "HTTP 401", FAILURE_TIME),
        (500, "<html>", "HTTP 500", FAILURE_TIME),
        (0, "net::ERR_FAILED", "net::ERR_FAILED", FAILURE_TIME),
        (200, '{"status": "error", "error_code": "quota"}', "quota", 0.0),
    ],
)
def test_tracker_refused_file_fails_unless_page_repeats_it(
    status: int, body: str, reason: str, wait: float
) -> None:
    tracker = started()
    tracker.end("1", status, body, 10.0)
    assert tracker.next_deadline() == 10.0 + wait
    failed = tracker.failed(10.0 + wait)
    assert failed is not None
    assert failed.failure is not None
    assert (failed.name, failed.failure.reason) == ("a", reason)

    tracker.start("3", "POST", f"{BACKEND}/files", '{"file_name": "a"}')
    assert tracker.failed(1000) is None
    assert len(tracker.uploads) == 2


@pytest.mark.parametrize(
    "line",
    [
        {"event": "file.processing.failed", "message": "No text"},
        {"event": "file.processing.error", "extra": {}, "error": {"message": "No text"}},
        {"type": "error", "error": "No text"},
    ],
)
def test_tracker_processing_error_fails_at_once(line: dict[str, Any]) -> None:
    tracker = started()
    perform(tracker, "created", "a")
    perform(tracker, "process", "a")
    tracker.end("process a", 200, '{"event": "file.processing.started"}\n' + json.dumps(line), 5.0)
    failed = tracker.failed(5.0)
    assert failed is not None
    assert failed.failure is not None
    assert failed.failure.reason == "No text"


COMPLETE = ['{"event": "file.processing.completed"}', 'data: {"event": "x", "progress": 100}\n\ndata: [DONE]']
STARTED = '{"event": "file.processing.started", "progress": 0}\n'
INCOMPLETE = [
    "",
    "null",
    "<html>",
    STARTED,
    STARTED + '{"event": "file.proc',
    '{"event": "file.indexing.completed"}',
]


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("body", COMPLETE + INCOMPLETE)
def test_tracker_response_without_completion_leaves_file_unconfirmed(body: str, is_known: bool) -> None:
    tracker = started()
    for name, number in (("a", "1"), ("b", "2")):
        tracker.end(number, 200, created(name) if is_known else "", 0)
        perform(tracker, "process", name)
    perform(tracker, "processed", "b")
    tracker.end("process a", 200, body, 0)

    assert tracker.is_complete(2)
    assert ("a" in tracker.unconfirmed()) is (body in INCOMPLETE)
    if is_known:
        assert "b" not in tracker.unconfirmed()


def test_tracker_stored_file_that_site_does_not_process_is_done_after_some_time() -> None:
    tracker = started()
    for step in STEPS[:3]:
        for name in "ab":
            perform(tracker, step, name)
    tracker.start("3", "POST", f"{BACKEND}/files/file_a/uploaded", None)
    tracker.end("3", 200, "{}", 0)

    assert tracker.next_deadline() == UNPROCESSED_TIME
    tracker.finish_unprocessed(UNPROCESSED_TIME - 0.1)
    assert not tracker.is_complete(2)
    tracker.finish_unprocessed(UNPROCESSED_TIME)
    assert tracker.is_complete(2)


def test_tracker_other_requests_are_ignored() -> None:
    tracker = started()
    tracker.start("3", "POST", f"{BACKEND}/conversation/init", None)
    tracker.start("4", "GET", f"{BACKEND}/files", None)
    tracker.end("3", 500, "", 0)
    assert tracker.step_of("4") is None
    assert (len(tracker.uploads), tracker.failed(1000)) == (2, None)
