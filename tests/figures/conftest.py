"""Each kind of figure in turn, and what each is as a file."""

from pathlib import Path

import pytest

from brainmri.figures.canvas import save
from tests.figures.samples import BUILDERS, Build


@pytest.fixture(params=BUILDERS)
def build(request: pytest.FixtureRequest) -> Build:
    return BUILDERS[request.param]


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The PNG of each kind of figure."""
    folder = tmp_path_factory.mktemp("figures")
    paths = {name: folder / f"{name}.png" for name in BUILDERS}
    for name, path in paths.items():
        save(BUILDERS[name](), path)
    return paths
