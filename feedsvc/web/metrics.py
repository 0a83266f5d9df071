"""What Prometheus is told, in its text formats. The numbers are those of `figures`; nothing is counted here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from feedsvc import __version__
from feedsvc.web.figures import Figures


def exposition(figures: Figures, started: datetime, accept: str) -> tuple[bytes, str]:
    """Return the body and its media type, in the format that this Accept header asks for."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(figures, started))
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


class _Told(Collector):
    def __init__(self, figures: Figures, started: datetime) -> None:
        self._figures = figures
        self._started = started

    def collect(self) -> Iterator[Metric]:
        """Give every metric."""
        told = self._figures
        yield InfoMetricFamily(
            "feedsvc_build",
            "The version that runs, and that of the database's tables",
            value={"version": __version__, "schema": str(told.schema_version)},
        )
        yield GaugeMetricFamily(
            "feedsvc_start_time_seconds", "When this process began", value=self._started.timestamp()
        )
        articles = GaugeMetricFamily("feedsvc_articles", "Articles in the store", labels=["kind"])
        for kind, count in sorted(told.kinds.items()):
            articles.add_metric([kind], count)
        yield articles
        for name, words, value in (
            ("newsletters", "Newsletters in the store", told.counts.newsletters),
            ("issues", "Issues in the store", told.counts.issues),
            ("messages", "Messages that were taken in", told.counts.messages),
            ("rejected_messages", "Messages that were rejected and not taken since", told.counts.rejected),
            ("waiting_files", "Files in the spool", told.waiting),
            ("revision", "Grows with each change of what is published", told.revision),
        ):
            yield GaugeMetricFamily(f"feedsvc_{name}", words, value=value)
        sizes = GaugeMetricFamily("feedsvc_store_bytes", "What is kept on the disk", labels=["part"])
        for part, size in (
            ("database", told.database_bytes),
            ("archive", told.archive_bytes),
            ("cache", told.cache_bytes),
        ):
            sizes.add_metric([part], size)
        yield sizes
        yield from self._ways()

    def _ways(self) -> Iterator[Metric]:
        brought = CounterMetricFamily("feedsvc_intake_messages", "Messages that a way in brought", labels=["way"])
        failed = CounterMetricFamily(
            "feedsvc_intake_rejected", "Messages of a way in that were rejected", labels=["way"]
        )
        last = GaugeMetricFamily(
            "feedsvc_intake_last_brought_timestamp_seconds", "When a way in brought a message last", labels=["way"]
        )
        problem = GaugeMetricFamily(
            "feedsvc_intake_problem", "1 where a way in cannot look for mail now", labels=["way"]
        )
        for row in self._figures.intakes:
            brought.add_metric([row.way], row.brought)
            failed.add_metric([row.way], row.failed)
            if row.last_brought is not None:
                last.add_metric([row.way], row.last_brought.timestamp())
            problem.add_metric([row.way], float(row.problem is not None))
        yield from (brought, failed, last, problem)
