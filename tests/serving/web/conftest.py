"""One server for all tests of it, by PyTorch, with a model that was trained for a moment."""

import shutil
from collections.abc import Iterator

import pytest

from tests.serving.conftest import Trained
from tests.serving.web.running import Server, write_limits


@pytest.fixture(scope="session")
def server(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    shutil.copytree(trained.model, folder / "model")
    write_limits(folder / "model")
    started = Server.start(folder / "model", folder)
    yield started
    started.stop()
