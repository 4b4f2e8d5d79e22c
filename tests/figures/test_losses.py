"""The learning-rate search and the losses of the epochs."""

import dataclasses

import numpy as np
import pytest

from brainmri.figures import losses
from tests.figures.samples import BUILDERS, HISTORY, SOURCE, draw, read_texts


def test_suggestion_is_named_and_marked_on_the_curve() -> None:
    lr, loss = np.array([1e-4, 1e-3, 1e-2]), np.array([0.7, 0.5, 0.6])
    figure = losses.draw_lr_search(lr, loss, losses.Suggestion("valley", 1e-3), SOURCE)
    marker = figure.axes[0].lines[-1]
    assert "valley: learning rate 0.001" in read_texts(figure)
    assert (marker.get_xdata()[0], marker.get_ydata()[0]) == (1e-3, 0.5)


def test_diverging_loss_is_cut_and_said_to_be() -> None:
    lr, loss = np.logspace(-5, 0, 6), np.array([0.7, 0.7, 0.6, 0.5, 0.9, 1e6])
    figure = losses.draw_lr_search(lr, loss, None, SOURCE)
    assert "runs out of the frame, up to 1e+06" in read_texts(figure)
    assert figure.axes[0].get_ylim()[1] < 2


@pytest.mark.parametrize("loss", [[], [np.nan, np.inf], [0.5, np.nan], [0.0, 0.0]])
def test_few_or_no_finite_losses_are_drawn_or_named(loss: list[float]) -> None:
    figure = losses.draw_lr_search(np.logspace(-3, -2, len(loss)), np.array(loss), None, SOURCE)
    draw(figure)
    assert ("no finite loss" in read_texts(figure)) == (not np.isfinite(loss).any())


def test_best_epoch_is_named_with_what_it_reached() -> None:
    texts = read_texts(BUILDERS["history"]())
    assert {"best epoch 2: 0.50", "best epoch 2: 0.80", "training (running average)", "validation"} <= set(
        texts
    )


def test_epochs_on_smaller_images_are_shaded_and_named() -> None:
    shaded = BUILDERS["history"]().axes[0].patches
    assert [(-0.5, 3.0)] == [(patch.get_x(), patch.get_width()) for patch in shaded]
    assert "trained on 64 px, then on 128 px" in read_texts(BUILDERS["history"]())
    same = dataclasses.replace(HISTORY, train_size=np.full(5, 128))
    assert not losses.draw_history(same, SOURCE).axes[0].patches


def test_losses_start_at_zero_and_accuracy_has_its_whole_range() -> None:
    loss, accuracy = BUILDERS["history"]().axes
    assert (loss.get_ylim()[0], *accuracy.get_ylim()) == (0, 0, 1.02)
    assert loss.get_ylim()[1] > max(HISTORY.train_loss.max(), HISTORY.valid_loss.max())


@pytest.mark.parametrize("epochs", [0, 1, 2])
def test_epochs_without_figures_are_left_out(epochs: int) -> None:
    nothing = np.full(epochs, np.nan)
    history = dataclasses.replace(
        HISTORY,
        epoch=np.arange(epochs),
        train_size=np.full(epochs, 128),
        train_loss=nothing,
        valid_loss=nothing,
        watched=nothing,
        best=None,
    )
    figure = losses.draw_history(history, SOURCE)
    draw(figure)
    assert read_texts(figure).count("no finite values") == 2
