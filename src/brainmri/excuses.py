"""What is the machine's fault, not the code's: no memory, room or permission, a file system that failed."""

import errno
import platform
from typing import Final

from brainmri.errors import BadInput, Died

# What the system says where there is no room, or not for this user.
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED: Final = {errno.EACCES, errno.EPERM, errno.EROFS}
# What it says where a disk or a shared file system failed, and may be back.
_FAILED: Final = {errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT}
# PyTorch's own of a GPU that failed, and of processes that lost one another; without importing it.
_BROKEN: Final = {"AcceleratorError", "DistBackendError", "DistNetworkError", "DistStoreError"}
# What it says of a GPU in the same way though code is at fault, or how PyTorch was built.
_BUGS: Final = ("device-side assert", "no kernel image", "invalid device function")


def has_failed(error: BaseException | None) -> bool:
    """Whether a disk or a shared file system failed, and may be back; a decoder's own error may hide that."""
    seen = set[int]()
    while error is not None and id(error) not in seen:
        if isinstance(error, OSError) and error.errno in _FAILED:
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def explain_file(error: OSError) -> str | None:
    """The line for a file that can't be written, that isn't this user's, or whose disk fails; else None."""
    if error.errno in _FULL:
        place = error.filename or "an output"
        return f"{place}: can't be written ({error.strerror}); make room there, then run it again"
    said = f"{error.filename or 'a file'}: {error.strerror}"
    if is_denied(error):
        return f"{said}; let the user that runs this use it, then run it again"
    if error.errno in _FAILED:
        return f"{said}; look at its disk, then run it again"
    return None


def is_denied(error: Exception) -> bool:
    """Whether this user may not use a file; what else the system forbids is a bug."""
    if not isinstance(error, OSError) or error.errno not in _DENIED:
        return False
    # Without a name this one is of what is no file.
    return error.errno != errno.EPERM or error.filename is not None


def excuse(error: Exception) -> BadInput | None:
    """The line for it, `Died` where another try may do better; None for what is a bug."""
    if isinstance(error, BadInput):
        return error
    node = f"node {platform.node()}"
    if isinstance(error, OSError) and (said := explain_file(error)):
        return (Died if error.errno in _FAILED else BadInput)(f"{node}: {said}")
    # PyTorch's own, of a GPU, has that name too, and is no MemoryError.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return Died(f"{node}: out of memory; run it again, with less beside it")
    words = (str(error).strip() or type(error).__name__).splitlines()[0]
    if type(error).__name__ in _BROKEN and not any(bug in words for bug in _BUGS):
        return Died(f"{node}: {words}; look at its GPUs and their network, then run it again")
    return None
