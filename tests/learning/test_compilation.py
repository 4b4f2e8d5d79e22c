"""A compiled training: the same bytes every time, after a kill too; one line without a compiler."""

from pathlib import Path

import pytest
from torch._inductor import cpp_builder, exc

from brainmri.errors import BadInput
from brainmri.learning.compilation import compile_network, describe_compiler
from tests.learning import test_resumption as resuming
from tests.learning.samples import make_recipe


def test_without_a_compiler_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def find() -> str:
        raise exc.InvalidCxxCompiler

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", find)
    with pytest.raises(BadInput, match=r"train\.compile: expected a C\+\+ compiler"):
        compile_network(None)  # type: ignore[arg-type]


@pytest.mark.long
def test_a_killed_compiled_training_ends_as_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = make_recipe(compile=True, progressive={"share": 0.0, "size": 32})
    assert describe_compiler()
    expected = resuming._train(recipe)
    resuming._interrupt(recipe, tmp_path, 4, monkeypatch)
    resuming._assert_same(expected, resuming._train(recipe, tmp_path))
