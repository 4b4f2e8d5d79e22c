"""Frame, histogram and thumbnail hold what they say, and leave the rest out."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from brainmri.dataset.features import describe_picture, scale_picture

PICTURES = arrays.arrays(
    np.float32, st.tuples(st.integers(8, 40), st.integers(8, 40)), elements=st.integers(0, 4095)
).filter(lambda image: image.min() < image.max())


@given(PICTURES)
def test_every_value_is_from_0_to_1_and_the_shares_sum_to_1(image: np.ndarray) -> None:
    features = describe_picture(scale_picture(image))
    values = np.array([*features.frame, *features.histogram, *features.thumbnail])
    assert ((values >= 0) & (values <= 1 + 1e-6)).all()
    assert (len(features.frame), len(features.histogram), len(features.thumbnail)) == (8, 16, 64)
    assert np.isclose(sum(features.histogram), 1)


@given(PICTURES, st.integers(1, 9), st.integers(0, 500))
def test_gain_and_offset_of_the_scanner_say_nothing(image: np.ndarray, gain: int, offset: int) -> None:
    first, second = (scale_picture(picture) for picture in (image, image * np.float32(gain) + offset))
    assert np.allclose(first, second, atol=1e-5)


def test_the_frame_is_the_outer_strips_and_nothing_else() -> None:
    image = np.zeros((50, 25), np.float32)
    image[:2] = 1  # 4 % of 50 rows
    image[20:30, 10:15] = 1
    features = describe_picture(image)
    assert np.allclose(features.frame[0::2], [1, 0, 0.04, 0.04])


def test_the_thumbnail_is_the_mean_of_its_fields_and_the_histogram_counts_levels() -> None:
    image = np.zeros((16, 16), np.float32)
    image[0, 0], image[15, 15] = 1, 0.5
    features = describe_picture(image)
    assert features.thumbnail[0] == 0.25
    assert features.thumbnail[63] == 0.125
    assert [round(share * 256) for share in features.histogram] == [254, *[0] * 7, 1, *[0] * 6, 1]
