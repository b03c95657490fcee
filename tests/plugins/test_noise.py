"""D1: the noise of a carrier with a law is fresh, independent, normal, and as large as it says."""

import random
import time

import numpy as np
import pytest

from stegafield.core import Carrier, Cover, GridSpec, Law
from stegafield.core.noise import normals
from stegafield.testing import check_carrier
from stegafield.testing.noise import check_law
from tests.plugins.broken import GoodChannel

SIGMA, SHAPE = 3.0, (3, 24, 40)
FREE, SPEC = np.ones(SHAPE, bool), GridSpec(("y", "x"), (False, False))


def _value(rng):
    angle = np.arange(SHAPE[2]) / 7 + 6 * rng.random(SHAPE[:2])[..., None]
    return 128 + 60 * np.sin(angle)


def _cover(noise, rounded=np.rint, said=SIGMA):
    """A draw with this noise, of unit size."""

    def draw(seed):
        rng = np.random.default_rng(seed)
        value = _value(rng)
        noisy = value + SIGMA * noise(value, rng)
        codes = rounded(noisy).clip(0, 255).astype(np.int32)
        return Cover(codes, 0, 255, FREE, SPEC, law=Law(value, said))

    return draw


def _system(value, rng):
    return normals(SHAPE)


def _unit(sample):
    """As large as normal noise."""
    return lambda value, rng: (lambda found: found / found.std())(sample(np.random.default_rng()))


def _pairs(value, rng):
    return np.repeat(normals((3, 24, 20)), 2, axis=2)


def _rows(value, rng):
    return np.repeat(normals((3, 12, 40)), 2, axis=1)


def _halves(value, rng):
    half = normals((3, 12, 40))
    return np.concatenate([half, half], axis=1)


def _channels(value, rng):
    return np.broadcast_to(normals((1, 24, 40)), SHAPE)


def _opposed(value, rng):
    one = normals((1, 24, 40))
    return np.concatenate([one, -one, normals((1, 24, 40))])


def _mirrored(value, rng):
    half = normals((1440,))
    return np.concatenate([half, -half[::-1]]).reshape(SHAPE)


def _smooth(value, rng):
    noise = normals((3, 24, 42))
    return (noise[..., :-2] + 2 * noise[..., 1:-1] + noise[..., 2:]) / 6**0.5


def _weakly(value, rng):
    noise = normals((3, 24, 41))
    return (noise[..., 1:] + 0.15 * noise[..., :-1]) / (1 + 0.15**2) ** 0.5


def _signs(value, rng):
    """Equal in size, of signs of their own."""
    sign = np.where(np.random.default_rng().random(SHAPE) < 0.5, 1, -1)
    return np.abs(_pairs(value, rng)) * sign


def _patchy(value, rng):
    where = np.where(np.arange(40) < 20, 0.6, 1.28)
    return normals(SHAPE) * where


def _once(value, rng):
    return _ONCE


_ONCE = normals(SHAPE)


def _global(value, rng):
    return np.random.normal(size=SHAPE)


def _standard(value, rng):
    return np.array([random.gauss(0, 1) for _ in range(2880)]).reshape(SHAPE)


def _hourly(value, rng):
    return np.random.default_rng(int(time.time() // 3600)).normal(size=SHAPE)


def _of_value(value, rng):
    return np.random.default_rng(int(value.sum() * 1e6)).normal(size=SHAPE)


BROKEN = {
    "from rng": (_cover(lambda value, rng: rng.normal(size=SHAPE)), "fresh and independent"),
    "from a seed of rng": (
        _cover(lambda v, rng: np.random.default_rng(rng.integers(9**9)).normal(size=SHAPE)),
        "fresh and independent",
    ),
    "from a fixed seed": (
        _cover(lambda v, rng: np.random.default_rng(7).normal(size=SHAPE)),
        "fresh and independent",
    ),
    "from the value": (_cover(_of_value), "fresh and independent"),
    "from NumPy's own state": (_cover(_global), "fresh and independent"),
    "from Python's own state": (_cover(_standard), "fresh and independent"),
    "from the hour": (_cover(_hourly), "fresh and independent"),
    "once for all": (_cover(_once), "fresh and independent"),
    "pairs": (_cover(_pairs), "fresh and independent"),
    "rows": (_cover(_rows), "fresh and independent"),
    "halves": (_cover(_halves), "fresh and independent"),
    "channels": (_cover(_channels), "fresh and independent"),
    "opposed channels": (_cover(_opposed), "fresh and independent"),
    "mirrored": (_cover(_mirrored), "fresh and independent"),
    "smoothed": (_cover(_smooth), "fresh and independent"),
    "weakly correlated": (_cover(_weakly), "fresh and independent"),
    "equal in size": (_cover(_signs), "fresh and independent"),
    "in patches": (_cover(_patchy), "the size of the noise"),
    "uniform": (_cover(_unit(lambda rng: rng.uniform(-1, 1, SHAPE))), "not normal"),
    "Laplace": (_cover(_unit(lambda rng: rng.laplace(size=SHAPE))), "not normal|law says"),
    "two values": (
        _cover(_unit(lambda rng: rng.choice([-1.0, 1.0], SHAPE))),
        "not normal|law says",
    ),
    "triangular": (
        _cover(_unit(lambda rng: rng.uniform(-1, 1, SHAPE) + rng.uniform(-1, 1, SHAPE))),
        "not normal",
    ),
    "Student": (_cover(_unit(lambda rng: rng.standard_t(4, SHAPE))), "not normal|law says"),
    "logistic": (_cover(_unit(lambda rng: rng.logistic(size=SHAPE))), "not normal|law says"),
    "cut off at 2": (_cover(lambda v, r: normals(SHAPE).clip(-2, 2)), "not normal"),
    "cut off at 2.5": (_cover(lambda v, r: normals(SHAPE).clip(-2.5, 2.5)), "not normal"),
    "too little": (_cover(lambda v, r: 0.9 * normals(SHAPE)), "the law says"),
    "too much": (_cover(lambda v, r: 1.1 * normals(SHAPE)), "the law says"),
    "twice": (_cover(_system, said=2 * SIGMA), "the law says"),
    "none": (_cover(lambda v, r: np.zeros(SHAPE)), "fresh and independent|law says"),
    "shifted": (_cover(lambda v, r: normals(SHAPE) + 0.1), "not centred"),
    "rounded down": (_cover(_system, np.floor), "not centred"),
    "rounded up": (_cover(_system, np.ceil), "not centred"),
    "rounded to zero": (_cover(_system, np.trunc), "not centred"),
    "rounded to even": (_cover(_system, lambda x: 2 * np.rint(x / 2)), "every 2 steps"),
    "of the value": (_cover(lambda v, r: normals(SHAPE) + (v - 128) / 300), "depends on the value"),
    "rounded twice": (
        _cover(lambda v, r: (np.rint(v) - v) / SIGMA + np.rint(SIGMA * normals(SHAPE)) / SIGMA),
        "fraction of the value",
    ),
    "near the end": (
        lambda seed: Cover(
            np.full(SHAPE, 5, np.int32), 0, 255, FREE, SPEC, law=Law(np.full(SHAPE, 5.0), SIGMA)
        ),
        "sigma of the ends",
    ),
    "another sigma each time": (
        lambda seed: _cover(_system, said=SIGMA * (1 + seed / 100))(seed),
        "sigma varies",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_noise_that_breaks_the_law(what):
    """D1."""
    draw, told = BROKEN[what]
    with pytest.raises(AssertionError, match=told):
        check_law(draw)


@pytest.mark.parametrize("sigma", [0.5, 1.5, 3.0, 9.0])
def test_noise_that_keeps_it(sigma):
    def draw(seed):
        value = _value(np.random.default_rng(seed))
        codes = np.rint(value + sigma * normals(SHAPE)).astype(np.int32)
        return Cover(codes, 0, 255, FREE, SPEC, law=Law(value, sigma))

    check_law(draw)


class Noisy(Carrier):
    """Covers of one of the laws above."""

    name = "noisy"
    channel = GoodChannel
    draw = staticmethod(_cover(lambda value, rng: rng.normal(size=SHAPE)))

    def covers(self, count, rng):
        """Drawn."""
        return [self.draw(int(rng.integers(1 << 30))) for _ in range(count)]


@pytest.mark.parametrize("what", ["from rng", "pairs", "uniform", "too little"])
def test_the_carriers_check_looks_at_the_noise(what):
    """D1: `check_carrier` passed, and `kl_bound_nats` was in the report."""
    carrier = type("Theirs", (Noisy,), {"draw": staticmethod(BROKEN[what][0])})
    with pytest.raises(AssertionError, match=f"{BROKEN[what][1]}|repeats its noise"):
        check_carrier(carrier())
