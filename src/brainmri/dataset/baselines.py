"""The shortcut baselines, and the table of their scores, where they meet scoring."""

from enum import StrEnum

from brainmri.tables import Row


class Baseline(StrEnum):
    """What a baseline sees: no pixel of a tumor (`blind`), or no more than a coarse trace of it.

    `header` is the raw file's header; `raw` pictures are as they came, `prepared` ones what a network
    sees; `majority` sees nothing but how common tumors are in the other folds.
    """

    HEADER = "header"
    RAW_FRAME = "raw_frame"
    RAW_THUMBNAIL = "raw_thumbnail"
    RAW_HISTOGRAM = "raw_histogram"
    PREPARED_FRAME = "prepared_frame"
    PREPARED_THUMBNAIL = "prepared_thumbnail"
    PREPARED_HISTOGRAM = "prepared_histogram"
    MAJORITY = "majority"

    @property
    def blind(self) -> bool:
        """Whether it sees no pixel of a tumor; in a histogram or thumbnail a large or bright one may show.

        Of a compressed file the length, which `header` sees, depends on what is in the picture, if little.
        """
        return self in _BLIND

    @property
    def words(self) -> str:
        """What it sees, as a sentence says it."""
        return _WORDS[self]


_WORDS = {
    Baseline.HEADER: "file headers alone",
    Baseline.RAW_FRAME: "the outer frame of the raw pictures",
    Baseline.RAW_THUMBNAIL: "8×8 thumbnails of the raw pictures",
    Baseline.RAW_HISTOGRAM: "histograms of the raw pictures",
    Baseline.PREPARED_FRAME: "the outer frame of the prepared images",
    Baseline.PREPARED_THUMBNAIL: "8×8 thumbnails of the prepared images",
    Baseline.PREPARED_HISTOGRAM: "histograms of the prepared images",
    Baseline.MAJORITY: "the majority class",
}

_BLIND = {Baseline.HEADER, Baseline.RAW_FRAME, Baseline.PREPARED_FRAME, Baseline.MAJORITY}


class ShortcutRow(Row):
    """The out-of-fold probability of tumor that a baseline gives a slice."""

    slice_id: str
    baseline: Baseline
    fold: int
    score: float
