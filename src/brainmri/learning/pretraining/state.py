"""What a pretraining is at a moment, so that a killed one goes on from there with the same bytes."""

from dataclasses import dataclass, field
from typing import Final

import torch

from brainmri.learning.catalogue import Architecture
from brainmri.learning.checkpoint import Checkpoint
from brainmri.learning.optimizer import FusedAdam, pack_optimizer, unpack_optimizer
from brainmri.learning.pretraining.network import MappingNetwork
from brainmri.learning.pretraining.records import PretrainRow
from brainmri.learning.pretraining.settings import PretrainParams
from brainmri.learning.weights import State

# torch's own of AdamW (Loshchilov and Hutter 2019).
_HYPERS: Final = {"mom": 0.9, "sqr_mom": 0.999, "eps": 1e-8}


@dataclass
class PretrainingState:
    """The network and its optimizer after `done` steps.

    `totals` are the losses (3,) of the `counted` steps since the last of the `rows`. No generator of random
    numbers belongs to it: a step's pictures and its dropout follow from the seed and the step's number.
    """

    network: MappingNetwork
    optimizer: FusedAdam
    totals: torch.Tensor
    counted: int = 0
    done: int = 0
    rows: list[PretrainRow] = field(default_factory=list)

    def pack(self) -> Checkpoint:
        """All of it."""
        optimizer, counters = pack_optimizer(self.optimizer)
        tensors: State = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"optimizer.{name}": value for name, value in optimizer.items()} | {"totals": self.totals}
        rows = [row.model_dump() for row in self.rows]
        facts = {"optimizer": counters, "counted": self.counted, "done": self.done, "rows": rows}
        return Checkpoint(tensors, facts)

    def unpack(self, checkpoint: Checkpoint) -> None:
        """Becomes what was packed."""
        tensors, facts = checkpoint.tensors, checkpoint.facts
        self.network.load_state_dict(_below("network.", tensors))
        unpack_optimizer(self.optimizer, _below("optimizer.", tensors), facts["optimizer"])
        self.totals.copy_(tensors["totals"])
        self.counted, self.done = facts["counted"], facts["done"]
        self.rows = [PretrainRow.model_validate(row) for row in facts["rows"]]


def begin_pretraining(arch: Architecture, params: PretrainParams, device: torch.device) -> PretrainingState:
    """A network with random weights by `params.seed`; what has one dimension is free of weight decay."""
    torch.manual_seed(params.seed)
    network = MappingNetwork(arch, params.dropout).to(device).to(memory_format=torch.channels_last)
    optimizer = FusedAdam(
        network.parameters(), params.clip_norm, lr=params.lr, wd=params.weight_decay, **_HYPERS
    )
    for parameter in network.parameters():
        optimizer.state[parameter] = {"do_wd": parameter.ndim > 1}
    return PretrainingState(network, optimizer, torch.zeros(3, device=device))


def _below(start: str, state: State) -> State:
    return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
