"""Python's garbage collector, quiet while a process imports.

What is imported stays; the collector would look through it again and again, and once more at the end.
"""

import atexit
import gc


class _State:
    paused = False
    quiet_at_end = False


def pause_collector() -> None:
    """Until `resume_collector`, and at the process's end; what it brings: docs/speed.md."""
    _State.paused = True
    gc.disable()
    if not _State.quiet_at_end:
        _State.quiet_at_end = True
        atexit.register(gc.freeze)


def resume_collector() -> None:
    """From here on it collects, and leaves alone what is there already; nothing where it isn't paused."""
    if _State.paused:
        _State.paused = False
        gc.freeze()
        gc.enable()
