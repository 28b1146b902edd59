"""Spans and metrics of messages, steps and retries, which contain nothing of the messages' contents."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from chatgpt_browser import ChatGPTAPI, ChatGPTTimeoutError, StreamInterruptedError
from chatgpt_browser._core import telemetry as _telemetry
from chatgpt_browser.testing import Break, FakeChatGPT, Gate, Reply, Stall
from tests.support.scripted_site import MODELS, base_urls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan


ORIGINAL_INSTRUMENTS = _telemetry.instruments
UNCACHED_INSTRUMENTS = _telemetry._make_instruments.__wrapped__


class Recorded:
    """In-memory exporters for the spans and metrics of a program."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._metrics = InMemoryMetricReader()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.instruments = _telemetry.Instruments(tracers, MeterProvider([self._metrics]))

    def spans(self, name: str | None = None) -> list[ReadableSpan]:
        spans = self._spans.get_finished_spans()
        return [span for span in spans if name is None or span.name == name]

    def metrics(self) -> dict[str, list[Any]]:
        data = self._metrics.get_metrics_data()
        assert data is not None
        found = [metric for scope in data.resource_metrics[0].scope_metrics for metric in scope.metrics]
        return {metric.name: list(metric.data.data_points) for metric in found}

    def all(self) -> str:
        return "".join(span.to_json() for span in self.spans()) + repr(self.metrics())


@pytest.fixture(scope="module")
def run() -> Iterator[tuple[FakeChatGPT, ChatGPTAPI, Recorded]]:
    """A client after a challenge, a refused token, replies, a failure, a timeout and two abandoned streams."""
    recorded = Recorded()
    with pytest.MonkeyPatch.context() as patch, FakeChatGPT(challenge="passes", models=MODELS) as server:
        patch.setattr(_telemetry, "instruments", lambda: recorded.instruments)
        with ChatGPTAPI(server.session_token, **base_urls(server), model="gpt-x") as api:
            api.send_message("My secret question")
            server.expire_access_tokens()
            server.script("My secret answer")
            api.send_message("My secret question")
            server.script(Break(), Stall(), Reply("a b", hold_after=1, gate=Gate()), Reply("a b c"))
            with pytest.raises(StreamInterruptedError):
                api.send_message("My secret question")
            with pytest.raises(ChatGPTTimeoutError):
                api.send_message("My secret question", timeout_ms=1500)
            with api.stream_message("My secret question") as stream:
                next(stream)
            stream = api.stream_message("My secret question")
            next(stream)
            del stream
            gc.collect()
            yield server, api, recorded


@pytest.fixture
def recorded(run: tuple[FakeChatGPT, ChatGPTAPI, Recorded]) -> Recorded:
    return run[2]


def test_message_span_has_ids_outcome_and_time_to_first_chunk(
    run: tuple[FakeChatGPT, ChatGPTAPI, Recorded],
) -> None:
    server, _, recorded = run
    spans = recorded.spans("chat gpt-x")
    attributes = [dict(span.attributes or {}) for span in spans]

    assert [each.get("error.type") for each in attributes] == [
        None,
        None,
        "StreamInterruptedError",
        "ChatGPTTimeoutError",
        None,
        None,
    ]
    assert [span.status.status_code is StatusCode.ERROR for span in spans] == [
        "error.type" in each for each in attributes
    ]
    assert {span.kind for span in spans} == {SpanKind.CLIENT}
    conversation = next(iter(server.conversations))
    first_chunk = attributes[0].pop("gen_ai.response.time_to_first_chunk")
    assert isinstance(first_chunk, float) and 0 < first_chunk < 5
    assert attributes[0] == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-x",
        "gen_ai.request.stream": True,
        "gen_ai.output.type": "text",
        "gen_ai.conversation.id": conversation,
        "gen_ai.response.id": server.conversations[conversation].current_node,
        "server.address": "127.0.0.1",
        "server.port": server.port,
    }


def test_step_spans_are_children_of_their_message(recorded: Recorded) -> None:
    (start,) = recorded.spans("chatgpt_browser.browser.start")
    (challenge,) = recorded.spans("chatgpt_browser.challenge")
    refreshes = recorded.spans("chatgpt_browser.session.refresh")
    first, second = recorded.spans("chat gpt-x")[:2]

    assert start.parent is not None and start.parent.span_id == first.context.span_id
    assert challenge.parent is not None and challenge.parent.span_id == start.context.span_id
    assert [span.parent and span.parent.span_id for span in refreshes] == [
        first.context.span_id,
        second.context.span_id,
    ]
    assert [(event.name, dict(event.attributes or {})) for event in second.events] == [
        ("chatgpt_browser.retry", {"error.type": "AccessTokenRejectedError"})
    ]
    assert start.start_time is not None and challenge.start_time is not None
    assert start.start_time < challenge.start_time


def test_metrics_count_operations_steps_and_retries(recorded: Recorded) -> None:
    metrics = recorded.metrics()
    counts = {name: sum(getattr(p, "count", 0) for p in points) for name, points in metrics.items()}
    assert counts == {
        "gen_ai.client.operation.duration": 6,
        "gen_ai.client.operation.time_to_first_chunk": 4,
        "chatgpt_browser.browser.start.duration": 1,
        "chatgpt_browser.session.refresh.duration": 2,
        "chatgpt_browser.challenge.duration": 1,
        "chatgpt_browser.retries": 0,
    }
    (retries,) = metrics["chatgpt_browser.retries"]
    assert (retries.value, dict(retries.attributes)) == (1, {"error.type": "AccessTokenRejectedError"})
    durations = metrics["gen_ai.client.operation.duration"]
    assert sorted(point.attributes.get("error.type", "") for point in durations) == [
        "",
        "ChatGPTTimeoutError",
        "StreamInterruptedError",
    ]
    assert durations[0].explicit_bounds[0] == 0.01


def test_spans_and_metrics_contain_no_contents_and_no_secrets(
    run: tuple[FakeChatGPT, ChatGPTAPI, Recorded],
) -> None:
    server, api, recorded = run
    everything = recorded.all()
    assert "gen_ai.request.model" in everything
    for secret in ("secret", api.session_token, api.ensure_auth(), "broke off", "timed out"):
        assert secret not in everything


def test_step_span_of_a_failed_step_has_the_error_class(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = Recorded()
    monkeypatch.setattr(_telemetry, "instruments", lambda: recorded.instruments)

    async def work() -> None:
        raise ZeroDivisionError("with a secret")

    with pytest.raises(ZeroDivisionError):
        _telemetry.measuring("session.refresh", work)().send(None)
    _telemetry.record_step("challenge", 1.5, "ChallengeError")

    for span, error in zip(recorded.spans(), ["ZeroDivisionError", "ChallengeError"], strict=True):
        assert dict(span.attributes or {}) == {"error.type": error}
        assert span.status.status_code is StatusCode.ERROR
    assert span.end_time is not None and span.start_time is not None
    assert span.end_time - span.start_time == pytest.approx(1.5e9)
    assert "secret" not in recorded.all()


def test_telemetry_without_opentelemetry_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.setattr(_telemetry, "instruments", ORIGINAL_INSTRUMENTS)
    monkeypatch.setattr(_telemetry, "_make_instruments", UNCACHED_INSTRUMENTS)

    async def work() -> int:
        return 1

    assert _telemetry.instruments() is None
    with pytest.raises(StopIteration, match="1"):
        _telemetry.measuring("session.refresh", work)().send(None)
    chat = _telemetry.MessageSpan("gpt-x", "https://chatgpt.com")
    with chat.activate():
        chat.request_sent()
        chat.text_received()
        _telemetry.count_retry(ZeroDivisionError())
        _telemetry.record_step("challenge", 1, None)
    chat.end()


@pytest.mark.parametrize(
    ("before", "environment", "wanted"),
    [
        ("", {}, False),
        ("from opentelemetry import trace", {}, True),
        ("", {"OTEL_PYTHON_METER_PROVIDER": "sdk_meter_provider"}, True),
    ],
)
def test_instruments_load_opentelemetry_only_with_a_provider(
    before: str, environment: dict[str, str], wanted: bool
) -> None:
    """A program without a provider does not import OpenTelemetry, although it is installed."""
    program = f"""
{before}
import sys
from chatgpt_browser._core import telemetry as _telemetry
print(_telemetry.instruments() is not None, "opentelemetry.metrics" in sys.modules)
"""
    result = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert result.stdout.split() == [str(wanted), str(wanted)], result.stderr
