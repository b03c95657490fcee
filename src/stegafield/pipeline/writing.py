"""Writing a file whole or not at all."""

import errno
import os
import secrets
import stat
from pathlib import Path

_EXISTS = "exists; use --force (force=True) to replace it"


def check_writable(path: str | os.PathLike[str], *, force: bool) -> None:
    """Raise the `OSError` that writing this file would meet, before any work is done."""
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(target))
    if target.exists() and not force:
        raise FileExistsError(errno.EEXIST, _EXISTS, str(target))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(errno.EACCES, "the folder is not writable", str(target.parent))


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise the `OSError` that making this folder, or a file in it, would meet, before any work is
    done."""
    target = Path(path)
    standing = next(one for one in (target, *target.parents) if one.exists())
    if not standing.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "is no folder", str(standing))
    if not os.access(standing, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "the folder is not writable", str(standing))


def write_file(path: str | os.PathLike[str], data: bytes, *, force: bool = False) -> Path:
    """Write a file through a temporary neighbour, never half of it; returns its path."""
    target = Path(path)
    check_writable(target, force=force)
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        target.write_bytes(data)  # a device or a pipe
        return target
    try:
        _write_whole(target, data, force)
    except OSError as error:  # named after the requested file, not after the temporary one
        raise type(error)(error.errno, error.strerror or str(error), str(target)) from None
    return target


def _write_whole(target: Path, data: bytes, force: bool) -> None:
    temporary = target.parent / f".{secrets.token_hex(8)}.part"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)  # less the umask
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
        if force:
            os.replace(temporary, target)
        else:
            _publish(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _publish(temporary: Path, target: Path) -> None:
    """Give the file its name unless somebody else took it meanwhile."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise FileExistsError(errno.EEXIST, _EXISTS, str(target)) from None
    except OSError:  # a file system without hard links: take the name first, then fill it
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        os.replace(temporary, target)
