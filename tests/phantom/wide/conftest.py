"""What the tests of the wide phantoms share: the template takes a second to load."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from brainmri.phantom.wide.columns import Drawn
from brainmri.phantom.wide.description import describe
from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.fields import Noise
from brainmri.phantom.wide.generator import PhantomGenerator
from brainmri.phantom.wide.settings import WideParams
from brainmri.phantom.wide.template import Template, load_template
from tests.phantom.wide.samples import CPU, VALUES, MakeDraft, MakeGenerator


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Of pictures as small as these a second thread waits most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def template() -> Template:
    return load_template(CPU)


@pytest.fixture(scope="session")
def make_generator() -> MakeGenerator:
    """By the committed settings, with changes."""
    return lambda **changes: PhantomGenerator(WideParams(**VALUES | changes), CPU)


@pytest.fixture(scope="session")
def generator(make_generator: MakeGenerator) -> PhantomGenerator:
    return make_generator()


@pytest.fixture(scope="session")
def make_draft() -> MakeDraft:
    """Pictures by the committed settings, some columns set to one value."""

    def make(count: int, size: int = 64, seed: int = 0, **columns: float) -> Draft:
        drawn = describe(np.random.default_rng(seed), count, WideParams(**VALUES))
        assert set(columns) <= set(drawn)
        fixed = {name: np.full(count, value) for name, value in columns.items()}
        return Draft(Drawn.send(drawn | fixed, CPU), Noise(seed, CPU), size)

    return make
