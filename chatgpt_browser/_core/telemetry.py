"""Spans and metrics for OpenTelemetry, where its API is installed (the extra ``otel``); where it isn't, nothing happens here.

Names are those of the GenAI semantic conventions where there is one, else they begin with ``chatgpt_browser.``. No message, no
reply and no secret is recorded: of an error, its class alone. Where a program has set up no provider, nothing happens either.
"""

from __future__ import annotations

import functools
import os
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from contextlib import AbstractContextManager

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

__all__ = ["Chat", "count_retry", "measuring", "record_step"]

T = TypeVar("T")

_SCOPE = "chatgpt_browser"
_API = "opentelemetry"
#: With these the API loads a program's providers by itself.
_LOADED_BY = ("OTEL_PYTHON_TRACER_PROVIDER", "OTEL_PYTHON_METER_PROVIDER")
#: Seconds. The conventions' own buckets for an operation, and for the first chunk of it.
_DURATIONS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_FIRST_CHUNKS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


class Instruments:
    """What is recorded with; the providers are the program's own unless others are given."""

    def __init__(self, tracers: TracerProvider | None = None, meters: MeterProvider | None = None) -> None:
        from opentelemetry import metrics, trace

        self.trace = trace
        self.tracer = trace.get_tracer(_SCOPE, tracer_provider=tracers)
        meter = metrics.get_meter(_SCOPE, meter_provider=meters)

        def histogram(name: str, buckets: tuple[float, ...], description: str) -> metrics.Histogram:
            return meter.create_histogram(
                name, "s", description, explicit_bucket_boundaries_advisory=list(buckets)
            )

        self.operation = histogram(
            "gen_ai.client.operation.duration", _DURATIONS, "A message, from its call to the end of its reply"
        )
        self.first_chunk = histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            _FIRST_CHUNKS,
            "From a message's request to the first word of its reply",
        )
        self.steps = {
            name: histogram(f"{_SCOPE}.{name}.duration", _DURATIONS, description)
            for name, description in _STEPS.items()
        }
        self.retries = meter.create_counter(
            f"{_SCOPE}.retries", "{retry}", "What was sent again, by the error that it met"
        )


_STEPS = {
    "browser.start": "Until a browser has opened its page on the site",
    "session.refresh": "Until the site has given an access token",
    "challenge": "Until a challenge has passed, or was given up",
}


def instruments() -> Instruments | None:
    """The program's; None where nobody listens: the API isn't installed, or nobody in this process has loaded it.

    To load it takes 10 ms, and a program that has set up a provider has loaded it, or has had the API do so by its environment.
    """
    if _API not in sys.modules and not any(name in os.environ for name in _LOADED_BY):
        return None
    return _make_instruments()


@functools.cache
def _make_instruments() -> Instruments | None:
    try:
        return Instruments()
    except ImportError:
        return None


class Chat:
    """One message, from its call to its end. All methods but :meth:`end` may be called in any order; the first end counts."""

    def __init__(self, model: str, origin: str) -> None:
        self._tools = tools = instruments()
        if tools is None:
            return
        site = urlsplit(origin)
        self._attributes: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": model,
            "server.address": site.hostname or "",
            "server.port": site.port or (443 if site.scheme == "https" else 80),
        }
        self._began = self._asked = time.perf_counter()
        self._waits = True
        self._span = tools.tracer.start_span(
            f"chat {model}",
            kind=tools.trace.SpanKind.CLIENT,
            attributes={**self._attributes, "gen_ai.request.stream": True, "gen_ai.output.type": "text"},
        )

    def current(self) -> AbstractContextManager[object]:
        """What is begun within the block belongs to this message."""
        if self._tools is None:
            return nullcontext()
        return self._tools.trace.use_span(  # type: ignore[no-any-return]
            self._span, end_on_exit=False, record_exception=False, set_status_on_exception=False
        )

    def asked(self) -> None:
        """Its request is about to leave."""
        if self._tools is not None:
            self._asked = time.perf_counter()

    def answered(self) -> None:
        """There is text. Only the first counts."""
        if self._tools is None or not self._waits:
            return
        self._waits = False
        seconds = time.perf_counter() - self._asked
        self._tools.first_chunk.record(seconds, self._attributes)
        self._span.set_attribute("gen_ai.response.time_to_first_chunk", seconds)

    def end(
        self,
        error: BaseException | None = None,
        *,
        conversation_id: str | None = None,
        message_id: str | None = None,
    ) -> None:
        """It is through: with its reply, in an error, or left by its caller."""
        tools, self._tools = self._tools, None
        if tools is None:
            return
        failure = _failure(None if error is None else type(error).__name__)
        tools.operation.record(time.perf_counter() - self._began, self._attributes | failure)
        ids = {"gen_ai.conversation.id": conversation_id, "gen_ai.response.id": message_id}
        self._span.set_attributes({name: value for name, value in ids.items() if value is not None} | failure)
        if failure:
            self._span.set_status(tools.trace.StatusCode.ERROR)
        self._span.end()


def measuring(step: str, work: Callable[[], Awaitable[T]]) -> Callable[[], Coroutine[Any, Any, T]]:
    """The same work, recorded as a step: what is begun within it belongs to it."""

    async def measured() -> T:
        tools = instruments()
        if tools is None:
            return await work()
        began, failure = time.perf_counter(), dict[str, str]()
        with tools.tracer.start_as_current_span(
            f"{_SCOPE}.{step}", record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                return await work()
            except BaseException as exc:
                failure = _failure(type(exc).__name__)
                span.set_attributes(failure)
                span.set_status(tools.trace.StatusCode.ERROR)
                raise
            finally:
                tools.steps[step].record(time.perf_counter() - began, failure)

    return measured


def record_step(step: str, seconds: float, error: str | None) -> None:
    """Record a step that has just come to its end."""
    tools = instruments()
    if tools is None:
        return
    now, failure = time.time_ns(), _failure(error)
    span = tools.tracer.start_span(
        f"{_SCOPE}.{step}", start_time=now - int(seconds * 1e9), attributes=failure
    )
    if failure:
        span.set_status(tools.trace.StatusCode.ERROR)
    span.end(now)
    tools.steps[step].record(seconds, failure)


def count_retry(error: BaseException) -> None:
    """Something is sent again after this error."""
    tools = instruments()
    if tools is not None:
        failure = _failure(type(error).__name__)
        tools.retries.add(1, failure)
        tools.trace.get_current_span().add_event(f"{_SCOPE}.retry", failure)


def _failure(error: str | None) -> dict[str, str]:
    """An error, by its class alone: its text may hold what the site has said."""
    return {} if error is None else {"error.type": error}
