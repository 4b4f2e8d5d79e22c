"""torch.compile, for those who ask for it; its own import takes seconds, so it is left until then."""

import torch
from torch import nn

from brainmri.errors import BadInput


def compile_network(network: nn.Module) -> None:
    """Compiles the network's forward and backward pass, anew for each size of images, at the first step.

    Raises `BadInput` where there is no C++ compiler, which torch needs for it on a CPU.
    """
    from torch._inductor import config  # noqa: PLC0415 - see above

    describe_compiler()
    # On a GPU kernels would be chosen by their speed of the moment, and bits with them.
    config.deterministic = True
    network.compile(dynamic=False)


def describe_compiler() -> str:
    """The C++ compiler that torch would use, and its version; empty where a GPU compiles."""
    from torch._inductor import cpp_builder, exc  # noqa: PLC0415 - see above

    if torch.cuda.is_available():
        return ""
    try:
        return str(cpp_builder.get_compiler_version_info(cpp_builder.get_cpp_compiler()))
    except exc.InvalidCxxCompiler:
        raise BadInput(
            "train.compile: expected a C++ compiler for torch.compile, came none; install g++, or set false"
        ) from None
