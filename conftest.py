"""What tests share: an environment without installed plugins, keys, and small real covers."""

import os
from pathlib import Path

import numpy as np
import pytest

os.environ["STEGAFIELD_PLUGINS"] = "none"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # pytest-xdist has a process on every core already

from stegafield import Engine, Key

SHARED = Path(__file__).resolve().parents[1] / "shared" / "data"


@pytest.fixture(scope="session")
def engine():
    return Engine(device="cpu")


@pytest.fixture(scope="session")
def key():
    return Key(bytes(range(32)))


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.fixture(scope="session")
def shared():
    """The folder of real data beside the checkout, where there is one."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/data, which is not part of the repository")
    return SHARED


@pytest.fixture(scope="session")
def photographs():
    """64x64 central crops of the colour photographs that scikit-image ships."""
    from skimage import data

    found = {}
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        picture = getattr(data, name)()[..., :3]
        top, left = (picture.shape[0] - 64) // 2, (picture.shape[1] - 64) // 2
        found[name] = np.ascontiguousarray(picture[top : top + 64, left : left + 64])
    return found


@pytest.fixture(params=["cpu", "cuda"])
def device(request):
    """Every device there is: tests that take it run again on a graphics card where there is one."""
    import torch

    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    return request.param
