"""Why a request has no answer: one typed shape for all of it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from brainmri.dataset.prepared import RejectedRow

Code = Literal[
    "bad_request",
    "not_allowed",
    "token_needed",
    "not_found",
    "wrong_method",
    "too_slow",
    "too_large",
    "nothing_readable",
    "busy",
    "failed",
]


class Problem(BaseModel):
    """What went wrong: a word for programs, a line for people, and all scans where none could be read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Code
    message: str
    rejected: tuple[RejectedRow, ...] = ()


class Refusal(Exception):
    """Ends a request with a status and a `Problem`."""

    def __init__(self, status: int, problem: Problem) -> None:
        """`status` is HTTP's."""
        super().__init__(problem.message)
        self.status, self.problem = status, problem


def refuse(status: int, code: Code, message: str) -> Refusal:
    """A `Refusal` to raise."""
    return Refusal(status, Problem(code=code, message=message))
