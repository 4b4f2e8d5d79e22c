"""What the C library does with memory that is freed."""

import ctypes
import sys

# https://man7.org/linux/man-pages/man3/mallopt.3.html: the parameters' numbers in glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Lets this process keep what it frees, for its next allocation; nothing without glibc.

    A training step frees and asks for the same large blocks again and again. By default glibc gives each back
    to the system, which hands out zeroed pages anew: a tenth of the time of a step on a CPU.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
