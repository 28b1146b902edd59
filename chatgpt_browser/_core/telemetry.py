"""Spans and metrics for OpenTelemetry.

Spans and metrics are recorded only if OpenTelemetry's API is installed (the extra ``otel``) and the program has set a provider.
The names of spans, metrics and attributes follow the GenAI semantic conventions. Names that these conventions do not define begin
with ``chatgpt_browser.``. No message, reply or secret is recorded. For an error, only the name of its class is recorded.
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

    from opentelemetry.metrics import Counter, Histogram, MeterProvider
    from opentelemetry.trace import Tracer, TracerProvider

T = TypeVar("T")

_SCOPE = "chatgpt_browser"
#: If one of these environment variables is set, OpenTelemetry's API loads the provider whose name the variable contains.
_PROVIDER_VARIABLES = ("OTEL_PYTHON_TRACER_PROVIDER", "OTEL_PYTHON_METER_PROVIDER")
#: The limits of the histogram buckets in seconds, as the conventions recommend. `_DURATIONS` is for the duration of a whole
#: operation. `_FIRST_CHUNKS` is for the time to the first chunk.
_DURATIONS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_FIRST_CHUNKS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


class Instruments:
    """The tracer, the histograms and the counter of this package.

    If no providers are passed to the constructor, the providers that the program has set are used.
    """

    def __init__(self, tracers: TracerProvider | None = None, meters: MeterProvider | None = None) -> None:
        from opentelemetry import metrics, trace

        self.trace = trace
        self.tracer: Tracer = trace.get_tracer(_SCOPE, tracer_provider=tracers)
        meter = metrics.get_meter(_SCOPE, meter_provider=meters)

        def histogram(name: str, buckets: tuple[float, ...], description: str) -> Histogram:
            return meter.create_histogram(
                name, "s", description, explicit_bucket_boundaries_advisory=list(buckets)
            )

        self.operation: Histogram = histogram(
            "gen_ai.client.operation.duration",
            _DURATIONS,
            "Time from the call that sends a message to the end of the reply",
        )
        self.first_chunk: Histogram = histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            _FIRST_CHUNKS,
            "Time from a message's request to the first text of the reply",
        )
        self.steps: dict[str, Histogram] = {
            name: histogram(f"{_SCOPE}.{name}.duration", _DURATIONS, description)
            for name, description in _STEPS.items()
        }
        self.retries: Counter = meter.create_counter(
            f"{_SCOPE}.retries", "{retry}", "Number of retries, by the error that was retried"
        )


_STEPS = {
    "browser.start": "Time until a browser has started and opened its page on the site",
    "session.refresh": "Time until the site has issued an access token",
    "challenge": "Time until a challenge has passed or failed",
}


def instruments() -> Instruments | None:
    """Return the instruments, or None if this process does not use OpenTelemetry.

    The process uses OpenTelemetry if it has imported OpenTelemetry's API, or if one of OpenTelemetry's environment variables is
    set. In other processes, the API is not imported here, because the import takes 10 ms. The result is also None if the API is
    not installed.
    """
    if "opentelemetry" not in sys.modules and not any(name in os.environ for name in _PROVIDER_VARIABLES):
        return None
    return _make_instruments()


@functools.cache
def _make_instruments() -> Instruments | None:
    try:
        return Instruments()
    except ImportError:
        return None


class MessageSpan:
    """The span and the metrics of one message.

    The methods may be called in any order. After a call of :meth:`end`, a call of any method has no effect.
    """

    def __init__(self, model: str, origin: str) -> None:
        self._otel = otel = instruments()
        if otel is None:
            return
        site = urlsplit(origin)
        self._attributes: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": model,
            "server.address": site.hostname or "",
            "server.port": site.port or (443 if site.scheme == "https" else 80),
        }
        self._began = self._sent = time.perf_counter()
        self._awaits_text = True
        self._span = otel.tracer.start_span(
            f"chat {model}",
            kind=otel.trace.SpanKind.CLIENT,
            attributes={**self._attributes, "gen_ai.request.stream": True, "gen_ai.output.type": "text"},
        )

    def activate(self) -> AbstractContextManager[object]:
        """Return a context manager. In its block, this span is the current span, and new spans become its children."""
        if self._otel is None:
            return nullcontext()
        return self._otel.trace.use_span(  # type: ignore[no-any-return]
            self._span, end_on_exit=False, record_exception=False, set_status_on_exception=False
        )

    def request_sent(self) -> None:
        """Record that the request is sent now. The time to the first chunk starts at this call."""
        self._sent = time.perf_counter()

    def text_received(self) -> None:
        """Record the time to the first chunk. Only the first call has an effect."""
        if self._otel is None or not self._awaits_text:
            return
        self._awaits_text = False
        seconds = time.perf_counter() - self._sent
        self._otel.first_chunk.record(seconds, self._attributes)
        self._span.set_attribute("gen_ai.response.time_to_first_chunk", seconds)

    def end(
        self,
        error: BaseException | None = None,
        *,
        conversation_id: str | None = None,
        message_id: str | None = None,
    ) -> None:
        """End the span, and record the duration of the message.

        Call this when the reply is complete, after an error, or when the caller has stopped reading the stream.
        """
        otel, self._otel = self._otel, None
        if otel is None:
            return
        failure = _failure(None if error is None else type(error).__name__)
        otel.operation.record(time.perf_counter() - self._began, self._attributes | failure)
        ids = {"gen_ai.conversation.id": conversation_id, "gen_ai.response.id": message_id}
        self._span.set_attributes({name: value for name, value in ids.items() if value is not None} | failure)
        if failure:
            self._span.set_status(otel.trace.StatusCode.ERROR)
        self._span.end()


def measuring(step: str, work: Callable[[], Awaitable[T]]) -> Callable[[], Coroutine[Any, Any, T]]:
    """Return a coroutine function that calls ``work``, and records a span and the duration of each call.

    ``step`` is a key of ``_STEPS``; the names of the span and of the metric contain it. During the call, the span is the current
    span.
    """

    async def measured() -> T:
        otel = instruments()
        if otel is None:
            return await work()
        began, failure = time.perf_counter(), dict[str, str]()
        with otel.tracer.start_as_current_span(
            f"{_SCOPE}.{step}", record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                return await work()
            except BaseException as exc:
                failure = _failure(type(exc).__name__)
                span.set_attributes(failure)
                span.set_status(otel.trace.StatusCode.ERROR)
                raise
            finally:
                otel.steps[step].record(time.perf_counter() - began, failure)

    return measured


def record_step(step: str, seconds: float, error: str | None) -> None:
    """Record the span and the duration of a step that has just ended and took ``seconds``.

    :param error: the name of the error's class if the step failed, else None.
    """
    otel = instruments()
    if otel is None:
        return
    now, failure = time.time_ns(), _failure(error)
    span = otel.tracer.start_span(f"{_SCOPE}.{step}", start_time=now - int(seconds * 1e9), attributes=failure)
    if failure:
        span.set_status(otel.trace.StatusCode.ERROR)
    span.end(now)
    otel.steps[step].record(seconds, failure)


def count_retry(error: BaseException) -> None:
    """Increment the counter of retries after this error, and add an event for the retry to the current span."""
    otel = instruments()
    if otel is not None:
        failure = _failure(type(error).__name__)
        otel.retries.add(1, failure)
        otel.trace.get_current_span().add_event(f"{_SCOPE}.retry", failure)


def _failure(error: str | None) -> dict[str, str]:
    """Return the attributes of a span for an error. ``error`` is the name of the error's class, or None if there was no error.

    The result contains only this name, because the text of an error may quote private text from a response of the site. If there
    was no error, the result is empty.
    """
    return {} if error is None else {"error.type": error}
