"""fastai's Adam in one pass over memory, by torch's fused kernel; gradients are clipped on the way."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import torch
from fastai.optimizer import Optimizer
from torch.nn.utils import get_total_norm
from torch.optim.adamw import adamw

from brainmri.learning.weights import State

# fastai's own, which its schedules are made for.
_HYPERS: Final = {"mom": 0.9, "sqr_mom": 0.99, "eps": 1e-5, "wd": 0.01}


class _Case(NamedTuple):
    """A parameter and what its step needs."""

    parameter: torch.Tensor
    gradient: torch.Tensor
    average: torch.Tensor
    square_average: torch.Tensor
    step: torch.Tensor


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
        for number, parameters in enumerate(self.param_lists):
            for parameter in parameters:
                if parameter.grad is not None:
                    state = self.state[parameter]
                    case = _start(parameter, state)
                    groups.setdefault((number, state.get("do_wd", True)), []).append(case)
        norm = get_total_norm([case.gradient for cases in groups.values() for case in cases])
        scale = (norm / self.clip_norm).clamp(min=1.0)
        for (number, decays), cases in groups.items():
            _step(cases, self.hypers[number], scale, decays=decays)

    def zero_grad(self) -> None:
        """Lets go of the gradients, which costs less than writing zeros."""
        for parameters in self.param_lists:
            for parameter in parameters:
                parameter.grad = None


def pack_optimizer(optimizer: Optimizer) -> tuple[State, list[dict[str, Any]]]:
    """What an optimizer of fastai's remembers: tensors as `NUMBER.NAME`, and the rest of each parameter."""
    tensors: State = {}
    counters = []
    for number, state in enumerate(optimizer.state_dict()["state"]):
        kept = {key: value for key, value in state.items() if isinstance(value, torch.Tensor)}
        tensors |= {f"{number}.{key}": value for key, value in kept.items()}
        counters.append({key: value for key, value in state.items() if key not in kept})
    return tensors, counters


def unpack_optimizer(optimizer: Optimizer, tensors: State, counters: Sequence[Mapping[str, Any]]) -> None:
    """Gives it back what was packed."""
    parameters = [parameter for group in optimizer.param_lists for parameter in group]
    for number, (parameter, counted) in enumerate(zip(parameters, counters, strict=True)):
        start = f"{number}."
        kept = {
            name.removeprefix(start): _lay_out(value, parameter)
            for name, value in tensors.items()
            if name.startswith(start)
        }
        optimizer.state[parameter] = dict(counted) | kept


def _lay_out(value: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """In the memory layout of the parameter, as the fused step expects."""
    if value.shape != parameter.shape:
        return value.to(parameter.device)
    return torch.empty_like(parameter, requires_grad=False).copy_(value)


def _start(parameter: torch.Tensor, state: dict[str, Any]) -> _Case:
    """A parameter's part in the step, zeros before its first; `ValueError` where it can't be flattened."""
    if parameter.grad is None:
        raise ValueError("expected a gradient, came none")
    if "step" not in state:
        if not (parameter.is_contiguous() or parameter.is_contiguous(memory_format=torch.channels_last)):
            raise ValueError(f"expected a parameter without gaps, came strides {parameter.stride()}")
        state["grad_avg"], state["sqr_avg"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
    return _Case(parameter, parameter.grad, state["grad_avg"], state["sqr_avg"], state["step"])


@torch.no_grad()
def _step(cases: list[_Case], hypers: dict[str, Any], scale: torch.Tensor, *, decays: bool) -> None:
    adamw(
        [_flatten(case.parameter) for case in cases],
        [_flatten(_lay_out_gradient(case)) for case in cases],
        [_flatten(case.average) for case in cases],
        [_flatten(case.square_average) for case in cases],
        [],
        [case.step for case in cases],
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


def _lay_out_gradient(case: _Case) -> torch.Tensor:
    """The gradient in the memory layout of its parameter."""
    if case.gradient.stride() == case.parameter.stride():
        return case.gradient
    return torch.empty_like(case.parameter).copy_(case.gradient)


def _flatten(tensor: torch.Tensor) -> torch.Tensor:
    """The same memory in its own order: a CPU's fused step copies what is not contiguous, twice as slow."""
    if tensor.is_cuda:
        return tensor
    return tensor.detach().as_strided((tensor.numel(),), (1,))
