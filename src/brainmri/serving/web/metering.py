"""What the server counts, for Prometheus: nothing of a scan, and nothing of who asked."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from brainmri.serving.web.desk import Desk, Work

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Meters:
    """A registry of its own: several servers may live in one process."""

    def __init__(self, desk: Desk) -> None:
        """`desk` is asked how many wait whenever somebody looks."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "brainmri_requests", "Requests for answers, by HTTP status", ["status"], registry=self._registry
        )
        self._seconds = Histogram(
            "brainmri_answer_seconds",
            "Seconds from a request's first byte to its answer",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._scans = Counter("brainmri_scans", "Scans, by outcome", ["outcome"], registry=self._registry)
        waiting = Gauge("brainmri_waiting", "Requests let in and not answered", registry=self._registry)
        waiting.set_function(lambda: desk.waiting)

    def count(self, status: int, seconds: float) -> None:
        """A request that has ended."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def count_scans(self, work: Work) -> None:
        """The scans of an answered request."""
        unlike = sum(scan.unlike for scan in work.answers.scans)
        self._scans.labels("unlike").inc(unlike)
        self._scans.labels("answered").inc(len(work.answers.scans) - unlike)
        self._scans.labels("rejected").inc(len(work.answers.rejected))

    def show(self) -> bytes:
        """In Prometheus's text format."""
        return generate_latest(self._registry)
