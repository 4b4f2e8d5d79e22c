"""One thread for BLAS, and as many as before after it."""

import numpy as np
from threadpoolctl import threadpool_info

from brainmri.threads import limit_blas


def _count_threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_every_blas_has_one_thread_and_gets_its_own_back() -> None:
    np.eye(2) @ np.eye(2)
    before = _count_threads()
    assert before
    with limit_blas():
        assert {1} == set(_count_threads())
        with limit_blas():
            assert {1} == set(_count_threads())
        assert {1} == set(_count_threads())
    assert before == _count_threads()
