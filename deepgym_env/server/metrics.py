"""What the server counts, for Prometheus.

- :class:`Metrics`: the counters of one application.

No label has values a client could make up: routes are told by their templates, methods and statuses are closed sets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from deepgym_env._version import __version__
from deepgym_env.result import RunResult

__all__ = ["Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """The counters of one application, in a registry of their own.

    Example:
        >>> metrics = Metrics()
        >>> metrics.watch("deepgym_sessions", "Sessions there are.", lambda: 3)
        >>> b"deepgym_sessions 3.0" in metrics.text()
        True
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        """Begin at nothing."""
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "deepgym_http_requests", "Requests answered.", ("route", "method", "status"), registry=registry
        )
        self._seconds = Histogram(
            "deepgym_http_request_seconds",
            "Time from a request to the end of its answer.",
            ("route", "method"),
            buckets=_SECONDS,
            registry=registry,
        )
        self._submissions = Counter("deepgym_submissions", "Submissions judged.", ("status",), registry=registry)
        self._without_verdict = Counter(
            "deepgym_submissions_without_verdict", "Submissions the sandbox failed on.", registry=registry
        )
        info = Gauge("deepgym_info", "What runs here.", ("version",), registry=registry)
        info.labels(__version__).set(1)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)

    def judged(self, results: Iterable[RunResult]) -> None:
        """Count verdicts, and what has none."""
        for result in results:
            self._submissions.labels(result.status).inc()
            if not result.has_verdict:
                self._without_verdict.inc()

    def watch(self, name: str, description: str, read: Callable[[], float]) -> None:
        """Add a number that is read when it is asked for: sessions, jobs, what waits."""
        Gauge(name, description, registry=self._registry).set_function(read)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)
