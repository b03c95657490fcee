"""The NetCDF library: it writes new files, and reads those that were written here."""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from ...core.foreign import foreign, told
from ...errors import StegafieldError


class _Lock:
    """A lock of this process; a forked child, which has none of its threads, gets a new one."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self._inner = threading.RLock()

    def __enter__(self) -> None:
        self._inner.acquire()

    def __exit__(self, *_: object) -> None:
        self._inner.release()


LOCK = _Lock()
"""The NetCDF and HDF5 libraries are not thread-safe: one call at a time in this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=LOCK.renew)


@contextmanager
def writing(path: Path, mode: Literal["w", "r+"], **options: Any) -> Iterator[Any]:
    """A NetCDF file open for writing.

    After a failed write or close, closing once more (as the destructor would) crashes the process.

    Raises:
        OSError: The disk is full, or the file cannot be written.
        FormatError: The NetCDF library does not write this: an illegal name, say.
    """
    import netCDF4

    with LOCK, foreign("the NetCDF library cannot write this", ".nc"):
        file = netCDF4.Dataset(path, mode, **options)
        try:
            yield file
            file.close()
        except (KeyboardInterrupt, StegafieldError):
            file.close()
            raise
        except RuntimeError as error:
            file._isopen = 0
            if "name" in str(error).lower():  # illegal, too long, in use
                raise
            raise OSError(errno.EIO, f"could not be written ({told(error)})", str(path)) from None
        except BaseException as error:
            file._isopen = 0
            if isinstance(error, OSError):
                said = f"could not be written ({told(error)})"
                raise OSError(errno.EIO, said, str(path)) from None
            raise
