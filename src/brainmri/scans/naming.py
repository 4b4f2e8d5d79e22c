"""Which of a scan's files could not be read."""

from collections.abc import Iterator
from contextlib import contextmanager

from brainmri.confinement import describe
from brainmri.errors import BadInput


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Whatever is raised inside becomes a `BadInput` that begins with `name`.

    Running out of memory stays what it is: its reason is the limit.
    """
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise BadInput(f"{name}: {describe(error)}") from None
