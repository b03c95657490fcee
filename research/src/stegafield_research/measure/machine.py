"""What a measurement ran on, as far as that decides how long things take.

Nothing here names the machine.
"""

import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Processor, cores that this process may use, operating system, and versions.

    The versions are those of the libraries that do the work.
    """
    return {
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "stegafield": version("stegafield"),
        "numpy": version("numpy"),
        "torch": _installed("torch"),
    }


def stated(found: Mapping[str, Any]) -> str:
    """What `machine` found, in one line."""
    torch = f"torch {found['torch']}" if found["torch"] else "no torch"
    return (
        f"{found['cpu']}, {found['cores']} cores, {found['system']}, Python {found['python']}, "
        f"NumPy {found['numpy']}, {torch}, stegafield {found['stegafield']}"
    )


def peak_mib() -> float:
    """The largest resident set of this process so far.

    On Linux `ru_maxrss` may be inherited from the parent.
    """
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / (1 << 20)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else ():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _installed(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
