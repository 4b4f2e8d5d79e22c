"""What only the raw file of a slice knows, as numbers: header, outer frame, histogram, thumbnail."""

from brainmri.dataset.features import describe_picture, scale_picture
from brainmri.dataset.prepared import RawFactRow
from brainmri.scans.slices import RawSlice


def describe_raw(slice_id: str, raw: RawSlice) -> RawFactRow:
    """The row of a slice; channels count by their mean."""
    image = raw.pixels if raw.pixels.ndim == 2 else raw.pixels.mean(axis=0)
    features = describe_picture(scale_picture(image))
    return RawFactRow(slice_id=slice_id, **vars(raw.header), **vars(features))
