"""Products on one thread, so that the number of cores changes no sum."""

from contextlib import AbstractContextManager
from typing import Any

from threadpoolctl import get_cached_controller


def limit_blas() -> AbstractContextManager[Any]:
    """One thread for every BLAS that is loaded, from now until the context ends.

    Looking for them each time would take longer than a small product.
    """
    limit: AbstractContextManager[Any] = get_cached_controller().limit(limits=1, user_api="blas")
    return limit
