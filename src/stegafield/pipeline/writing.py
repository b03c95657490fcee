"""Writing a file whole or not at all, and never over one that was read."""

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import ConfigError

_EXISTS = "exists; use force=True to replace it"
_SUFFIX = ".part"
_LONGEST = 200
"""Bytes of a file's name that its partial file repeats; of longer ones it has a digest."""

Named = str | os.PathLike[str]


def check_writable(path: Named, *, force: bool) -> None:
    """Raise the `OSError` that writing this file would meet, before any work is done."""
    check_file_name(path)
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(target))
    if target.exists() and not force:
        raise FileExistsError(errno.EEXIST, _EXISTS, str(target))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(errno.EACCES, "the folder is not writable", str(target.parent))


def check_file_name(path: Named) -> None:
    """Raise `IsADirectoryError` where a path names a folder, whether there is one or not: `Path`
    drops the slash at its end."""
    text = os.fspath(path)
    if os.path.basename(text) in ("", os.curdir, os.pardir):
        raise IsADirectoryError(errno.EISDIR, "names a folder; add the name of a file", text)


def check_folder(path: Named) -> None:
    """Raise the `OSError` that making this folder, or a file in it, would meet, before any work is
    done."""
    target = Path(path)
    standing = next(one for one in (target, *target.parents) if one.exists())
    if not standing.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "is no folder", str(standing))
    if not os.access(standing, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "the folder is not writable", str(standing))


def check_apart(outputs: Mapping[str, Named | None], inputs: Mapping[str, Named | None]) -> None:
    """Raise `ConfigError` where an output is another output or an input, by whatever name or link.

    Nothing that was read is ever written over, with `force` or without. The stego may replace its
    own cover: leave the cover out of `inputs` there.
    """
    given = [(name, path) for name, path in outputs.items() if path is not None]
    for number, (name, path) in enumerate(given):
        for other, taken in given[:number]:
            if _same(path, taken):
                raise ConfigError(name, f"is the same file as {other}: {os.fspath(path)}.")
        for other, taken in inputs.items():
            if taken is not None and _same(path, taken):
                problem = f"is the {other} itself: {os.fspath(path)}."
                raise ConfigError(name, problem, "It would be lost; choose another name.")


def _same(one: Named, other: Named) -> bool:
    """Whether two paths are one file: by name, or where both exist, by what is on the disk."""
    with suppress(OSError):
        first, second = os.stat(one), os.stat(other)
        return stat.S_ISREG(first.st_mode) and os.path.samestat(first, second)
    return os.path.realpath(one) == os.path.realpath(other)


def write_file(path: Named, data: bytes, *, force: bool = False) -> Path:
    """Write a file through a temporary neighbour, never half of it; returns its path.

    While it is not whole only its owner can read it. What a process left that was killed while it
    wrote this file is removed.
    """
    check_writable(path, force=force)
    target = Path(path)
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        target.write_bytes(data)  # a device or a pipe
        return target
    try:
        _sweep(target)
        _write_whole(target, data, force)
    except OSError as error:  # named after the requested file, not after the temporary one
        raise type(error)(error.errno, error.strerror or str(error), str(target)) from None
    return target


def _write_whole(target: Path, data: bytes, force: bool) -> None:
    with _partial(target) as (temporary, handle):
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(data)
        os.fsync(handle)
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else _mode()
        if force:
            os.replace(temporary, target)
        else:
            _publish(temporary, target)
        with suppress(PermissionError):  # a file system that has rights of its own
            os.chmod(handle if os.chmod in os.supports_fd else target, mode)


@contextmanager
def _partial(target: Path) -> Iterator[tuple[Path, int]]:
    """A new file beside the target that only its owner can read, locked while it is written."""
    temporary = target.parent / f"{_prefix(target)}{os.getpid()}.{secrets.token_hex(4)}{_SUFFIX}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _locked(handle)
        yield temporary, handle
    finally:
        os.close(handle)
        temporary.unlink(missing_ok=True)


def _prefix(target: Path) -> str:
    """How the names of a file's partial files begin."""
    name = target.name
    if len(os.fsencode(name)) > _LONGEST:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return f".{name}."


def _sweep(target: Path) -> None:
    """Remove partial files of this target that dead processes left.

    A process is dead where its number is free and nobody holds its lock: a number alone says
    nothing of other machines and containers that share the folder.
    """
    prefix = _prefix(target)
    for entry in os.scandir(target.parent):
        number = entry.name.removeprefix(prefix).partition(".")[0]
        if not (entry.name.startswith(prefix) and entry.name.endswith(_SUFFIX)):
            continue
        if number.isdecimal() and len(number) < 10 and not _alive(int(number)):
            with suppress(OSError):  # another user's
                handle = os.open(entry.path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
                try:
                    if _locked(handle):
                        os.unlink(entry.path)
                finally:
                    os.close(handle)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


def _locked(handle: int) -> bool:
    """Lock a file until it is closed; whether that succeeded, or the system has no such locks."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _mode() -> int:
    """The rights of a new file."""
    with suppress(OSError, StopIteration, ValueError, IndexError):
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            line = next(line for line in status if line.startswith("Umask:"))
        return 0o666 & ~int(line.split()[1], 8)
    mask = os.umask(0o077)  # only here: other threads would notice
    os.umask(mask)
    return 0o666 & ~mask


def _publish(temporary: Path, target: Path) -> None:
    """Give the file its name unless somebody else took it meanwhile."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise FileExistsError(errno.EEXIST, _EXISTS, str(target)) from None
    except OSError:  # a file system without hard links: take the name first, then fill it
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        os.replace(temporary, target)
