"""Answers in words, and the model card as a page."""

from pathlib import Path

import pytest

from brainmri.serving.answers import NOT_FOR_DIAGNOSIS, Answers, ModelFacts, ScanAnswer, SliceAnswer
from brainmri.serving.web.quality import read_quality
from brainmri.serving.web.wording import read_out

MODEL = ModelFacts(
    folder="models",
    backend="onnx",
    architecture="resnet34",
    sha256="00",
    negative="no tumor",
    positive="tumor",
    threshold=0.3,
)


def _answers(*probabilities: float, unlike: bool = False) -> Answers:
    slices = tuple(
        SliceAnswer(slice=place, probability=each, decision="tumor", novelty=0.5, unlike=unlike)
        for place, each in enumerate(probabilities)
    )
    scan = ScanAnswer(
        scan="x",
        patient=None,
        probability_max=max(probabilities),
        probability_mean=sum(probabilities) / len(probabilities),
        decision="tumor" if max(probabilities) >= MODEL.threshold else "no tumor",
        unlike=unlike,
        unlike_slices=0,
        notices=(),
        slices=slices,
    )
    return Answers(notice=NOT_FOR_DIAGNOSIS, model=MODEL, scans=(scan,), patients=(), rejected=())


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.44, "probability of tumor is 44 %: of 100 slices with such a number, about 44 show tumor"),
        (0.001, "probability of tumor is less than 1 %: of 100 slices with such a number, about none or 1"),
        (0.9999, "probability of tumor is more than 99 %: of 100 slices with such a number, about 99 or all"),
    ],
)
def test_a_number_is_put_in_words_and_nothing_is_certain(probability: float, words: str) -> None:
    answers = _answers(probability)
    reading = read_out(answers.scans[0], answers)
    assert words in reading.means
    side = "at or above" if probability >= 0.3 else "below"
    assert f"That is {side} its threshold of 30 %." in reading.means
    assert reading.warning is None


def test_a_volume_says_that_its_worst_slice_counts_and_a_strange_one_is_warned_of() -> None:
    answers = _answers(0.2, 0.8, unlike=True)
    reading = read_out(answers.scans[0], answers)
    assert "The model says: tumor." == reading.says
    assert reading.means.startswith("In the most suspicious slice the probability of tumor is 80 %")
    assert reading.means.endswith("Over its 2 slices the mean is 50 %.")
    assert "its answer may mean nothing" in str(reading.warning)


CARD = """# Model card

<!-- made -->

weights: sha256 abc <script>alert(1)</script>

| a | b |
| --- | --- |
| 1 | 2 |

![curve](plots/roc.png) ![out](../secret.png) [link](http://elsewhere.example/x)
"""


def test_the_card_of_the_model_becomes_a_page_that_asks_nobody(tmp_path: Path) -> None:
    (tmp_path / "MODEL_CARD.md").write_text(CARD)
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "roc.png").touch()
    found = read_quality(tmp_path, "abc")
    assert "<h1>Model card</h1>" in found.body
    assert "<td>1</td>" in found.body
    assert '<img src="/quality/picture/0" alt="curve"' in found.body
    assert [tmp_path / "plots" / "roc.png"] == found.pictures
    assert not [word for word in ("<script", "elsewhere", "secret", "<!--") if word in found.body]


def test_a_card_of_another_model_or_none_is_no_page(tmp_path: Path) -> None:
    assert "no figures of this model" in read_quality(tmp_path, "abc").body
    (tmp_path / "MODEL_CARD.md").write_text(CARD)
    assert "no figures of this model" in read_quality(tmp_path, "abd").body
