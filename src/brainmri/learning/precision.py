"""bfloat16 where the processor has it."""

from contextlib import AbstractContextManager, ExitStack, nullcontext

import torch
from fastai.callback.core import Callback

from brainmri.learning.recipe import Precision


def choose_precision(wanted: Precision) -> Precision:
    """What `auto` means on this machine: bf16 with AVX512-BF16, AMX or a GPU that has it, else fp32."""
    if wanted is not Precision.AUTO:
        return wanted
    if torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported()
    else:
        # torch tells these by private names only; a release that drops them means fp32, not a crash.
        checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        fast = any(getattr(torch.cpu, check, bool)() for check in checks)
    return Precision.BF16 if fast else Precision.FP32


def autocast(device: str, precision: Precision) -> AbstractContextManager[object]:
    """A scope in which networks compute in `precision`; weights stay float32."""
    if precision is Precision.BF16:
        return torch.autocast(device, dtype=torch.bfloat16)
    return nullcontext()


def autocast_for_capture(precision: Precision) -> AbstractContextManager[object]:
    """The same on a GPU while passes are recorded: weights are cast in each, not once for several."""
    if precision is Precision.BF16:
        return torch.autocast("cuda", dtype=torch.bfloat16, cache_enabled=False)
    return nullcontext()


class Autocast(Callback):  # type: ignore[misc]
    """Runs the forward pass and the loss in bfloat16, weights and steps in float32.

    fastai's own `to_bf16` asks for cuda's autocast and does nothing on a CPU.
    """

    order = -10

    def before_batch(self) -> None:
        """Enters autocast."""
        self.scope = ExitStack()
        self.scope.enter_context(autocast(self.dls.device.type, Precision.BF16))

    def after_pred(self) -> None:
        """Leaves it, and gives the loss float32 logits."""
        self.scope.close()
        self.learn.pred = self.pred.float()
