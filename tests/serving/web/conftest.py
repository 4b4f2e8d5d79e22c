"""One server for all tests of it, by PyTorch, with a model that was trained for a moment."""

import shutil
from collections.abc import Iterator

import pytest

from brainmri.serving.model import read_model
from tests.serving.conftest import Trained
from tests.serving.web.running import Server, write_limits

CARD = """# Model card

weights: sha256 `{}`

## Figures

|  | slices | patients |
| --- | ---: | ---: |
| AUROC | 0.9 (0.8 to 1.0) | 0.8 |

## More

| class | slices |
| --- | ---: |
| a class of a name that is longer than a phone is wide, and then some more | 3 |
"""


@pytest.fixture(scope="session")
def server(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    shutil.copytree(trained.model, folder / "model")
    write_limits(folder / "model")
    weights = read_model(folder / "model").weights_sha256
    (folder / "model" / "MODEL_CARD.md").write_text(CARD.format(weights))
    started = Server.start(folder / "model", folder)
    yield started
    started.stop()
