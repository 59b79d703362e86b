"""Figures for Prometheus, under vLLM's names with the prefix `vlm:`; the engine's own are read when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from vlm.generation import Reply

if TYPE_CHECKING:
    from vlm.engine import Engine

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384)


class Metrics:
    """Of one server; each has a registry of its own."""

    def __init__(self, engine: Engine, model: str) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_EngineFigures(engine, model))
        self.model = model
        label = ["model_name"]

        def histogram(name: str, about: str, buckets: tuple[float, ...] = _SECONDS) -> Histogram:
            return Histogram(f"vlm:{name}", about, label, registry=self.registry, buckets=buckets).labels(model)

        self.first_token = histogram("time_to_first_token_seconds", "From the request to its first token.")
        self.inter_token = histogram("inter_token_latency_seconds", "Between two tokens of an answer.")
        self.end_to_end = histogram("e2e_request_latency_seconds", "From the request to the end of its answer.")
        self.prompt = histogram("request_prompt_tokens", "Tokens of a prompt.", _TOKENS)
        self.generation = histogram("request_generation_tokens", "Tokens of an answer.", _TOKENS)
        self.success = Counter(
            "vlm:request_success", "Answers by how they ended.", [*label, "finished_reason"], registry=self.registry
        )
        self.refused = Counter(
            "vlm:request_refusals", "Requests that were refused, by status and code.", ["status", "code"],
            registry=self.registry,
        )  # fmt: skip

    def answered(self, reply: Reply) -> None:
        self.first_token.observe(reply.seconds_to_first_token)
        self.end_to_end.observe(reply.seconds)
        if reply.completion_tokens > 1:
            pause = (reply.seconds - reply.seconds_to_first_token) / (reply.completion_tokens - 1)
            self.inter_token.observe(pause)
        self.prompt.observe(reply.prompt_tokens)
        self.generation.observe(reply.completion_tokens)
        self.success.labels(self.model, reply.finish_reason).inc()

    def text(self) -> bytes:
        return generate_latest(self.registry)


class _EngineFigures(Collector):
    def __init__(self, engine: Engine, model: str) -> None:
        self.engine, self.model = engine, model

    def collect(self) -> Iterator[Metric]:
        stats = self.engine.stats()
        gauges = {
            "num_requests_running": ("Answers being generated.", stats.running),
            "num_requests_waiting": ("Requests without a slot yet.", stats.waiting),
            "slots_free": ("Slots without a request.", stats.slots_free),
            "engine_heartbeat_age_seconds": ("Since the engine's last sign of life.", stats.heartbeat_age),
        }
        counters = {
            "prompt_tokens": ("Tokens of prompts.", stats.prompt_tokens),
            "generation_tokens": ("Tokens of answers.", stats.generated_tokens),
            "prefix_cache_queries": ("Tokens of prompts that were looked for in the cache.", stats.prompt_tokens),
            "prefix_cache_hits": ("Of these, tokens that were found.", stats.prefix_tokens),
            "mm_cache_hits": ("Images and sounds whose features were found.", stats.feature_hits),
            "encoder_calls": ("Calls of an encoder.", stats.encoder_calls),
            "encoder_seconds": ("Time in encoders.", stats.encoder_seconds),
            "requests_cancelled": ("Answers ended by their clients.", stats.cancelled),
        }
        for kind, table in ((GaugeMetricFamily, gauges), (CounterMetricFamily, counters)):
            for name, (about, value) in table.items():
                metric = kind(f"vlm:{name}", about, labels=["model_name"])
                metric.add_metric([self.model], value)
                yield metric
