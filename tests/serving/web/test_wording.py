"""Answers in words, and the model card as a page."""

from pathlib import Path

import pytest

from brainmri.serving.answers import NOT_FOR_DIAGNOSIS, Answers, ModelFacts, ScanAnswer, SliceAnswer
from brainmri.serving.web.quality import read_quality
from brainmri.serving.web.wording import read_out

MODEL = ModelFacts(
    folder="models",
    runtime="onnx",
    architecture="resnet34",
    sha256="00",
    zero_shot=False,
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
        (0.44, "44 %, at or above the model's threshold of 30 %. Of 100 slices with such a number about 44"),
        (
            0.2962,
            "29.62 %, below the model's threshold of 30.00 %. Of 100 slices with such a number about 30",
        ),
        (
            0.001,
            "less than 1 %, below the model's threshold of 30 %. Of 100 slices with such a number about none",
        ),
        (
            0.9999,
            "more than 99 %, at or above the model's threshold of 30 %. Of 100 slices with such a number",
        ),
    ],
)
def test_a_number_is_put_in_words_and_nothing_is_certain(probability: float, words: str) -> None:
    answers = _answers(probability)
    reading = read_out(answers.scans[0], answers)
    assert words in reading.means
    assert reading.warning is None


def test_a_volume_says_that_its_worst_slice_counts_and_a_strange_one_is_warned_of() -> None:
    answers = _answers(0.2, 0.8)
    reading = read_out(answers.scans[0], answers)
    assert "The model says: tumor." == reading.says
    assert "It is the highest of the 2 slices looked at, which is more often high by chance" in reading.means
    assert reading.means.endswith("Their mean is 50 %.")
    strange = _answers(0.8, unlike=True)
    reading = read_out(strange.scans[0], strange)
    assert "its answer may mean nothing" in str(reading.warning)
    assert reading.means.endswith("threshold of 30 %.")


CARD = """# Model card

<!-- made -->

weights: sha256 abc <script>alert(1)</script>

|  | b |
| --- | ---: |
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
    assert found.known
    assert '<img src="/quality/picture/0" alt="curve"' in found.body
    assert [tmp_path / "plots" / "roc.png"] == found.pictures
    assert "<th></th>" not in found.body
    assert '<td class="number">2</td>' in found.body
    assert "style=" not in found.body
    assert 'aria-label="Table 1"' in found.body
    assert not [word for word in ("<script", "elsewhere", "secret", "<!--") if word in found.body]


def test_a_card_of_another_model_or_none_is_no_page(tmp_path: Path) -> None:
    assert "no figures of this model" in read_quality(tmp_path, "abc").body
    (tmp_path / "MODEL_CARD.md").write_text(CARD)
    assert "no figures of this model" in read_quality(tmp_path, "abd").body
