"""fastai's Adam in one pass over memory, by torch's fused kernel; gradients are clipped on the way."""

from collections.abc import Iterable
from typing import Any, Final

import torch
from fastai.optimizer import Optimizer
from torch.nn.utils import get_total_norm
from torch.optim.adamw import adamw

# fastai's own, which its schedules are made for.
_HYPERS: Final = {"mom": 0.9, "sqr_mom": 0.99, "eps": 1e-5, "wd": 0.01}
_Case = tuple[torch.Tensor, dict[str, Any]]


class FusedAdam(Optimizer):  # type: ignore[misc]
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101), as fastai's `Adam`.

    Groups, schedules, freezing and what is free of decay are fastai's; a step is torch's fused AdamW.
    Gradients whose norm, over all that are trained, exceeds `clip_norm` are scaled down to it.
    """

    def __init__(self, params: Iterable[Any], clip_norm: float, **hypers: Any) -> None:
        """`params` and `hypers` are fastai's."""
        super().__init__(params, [], **(_HYPERS | hypers))
        self.clip_norm = clip_norm

    def step(self, closure: None = None) -> None:
        """One step of all parameters that have a gradient."""
        if closure is not None:
            raise NotImplementedError("a step with a closure")
        groups: dict[tuple[int, bool], list[_Case]] = {}
        for number in range(len(self.param_lists)):
            for parameter, _, state, _ in self.all_params(slice(number, number + 1), with_grad=True):
                key = number, state.get("do_wd", True)
                groups.setdefault(key, []).append((parameter, _start(parameter, state)))
        norm = get_total_norm([_gradient(parameter) for cases in groups.values() for parameter, _ in cases])
        scale = (norm / self.clip_norm).clamp(min=1.0)
        for (number, decays), cases in groups.items():
            _step(cases, self.hypers[number], scale, decays=decays)

    def zero_grad(self) -> None:
        """Lets go of the gradients, which costs less than writing zeros."""
        for parameter, *_ in self.all_params(with_grad=True):
            parameter.grad = None


def _start(parameter: torch.Tensor, state: dict[str, Any]) -> dict[str, Any]:
    """The state of a parameter, zeros before its first step; `ValueError` where it can't be flattened."""
    if "step" not in state:
        if not (parameter.is_contiguous() or parameter.is_contiguous(memory_format=torch.channels_last)):
            raise ValueError(f"expected a parameter without gaps, came strides {parameter.stride()}")
        state["grad_avg"], state["sqr_avg"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
    return state


@torch.no_grad()
def _step(cases: list[_Case], hypers: dict[str, Any], scale: torch.Tensor, *, decays: bool) -> None:
    adamw(
        [_flatten(parameter) for parameter, _ in cases],
        [_flatten(_lay_out_gradient(parameter)) for parameter, _ in cases],
        [_flatten(state["grad_avg"]) for _, state in cases],
        [_flatten(state["sqr_avg"]) for _, state in cases],
        [],
        [state["step"] for _, state in cases],
        fused=True,
        grad_scale=scale,  # the gradients are divided by it
        amsgrad=False,
        beta1=hypers["mom"],
        beta2=hypers["sqr_mom"],
        lr=float(hypers["lr"]),
        weight_decay=hypers["wd"] if decays else 0.0,
        eps=hypers["eps"],
        maximize=False,
    )


def _lay_out_gradient(parameter: torch.Tensor) -> torch.Tensor:
    """The gradient in the memory layout of its parameter."""
    gradient = _gradient(parameter)
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)


def _gradient(parameter: torch.Tensor) -> torch.Tensor:
    if parameter.grad is None:
        raise ValueError("expected a gradient, came none")
    return parameter.grad


def _flatten(tensor: torch.Tensor) -> torch.Tensor:
    """The same memory in its own order: the fused step copies what is not contiguous, twice as slow."""
    return tensor.detach().as_strided((tensor.numel(),), (1,))
