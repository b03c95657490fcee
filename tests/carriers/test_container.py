"""What `sample` and `hide` write differs in samples alone: layout is equal, sizes are alike."""

import numpy as np
import pytest
from scipy import stats

from stegafield import Key
from stegafield.channels.picture.png import parse
from stegafield.core.carrier import draws, formats
from stegafield.plugins.wiring import Engine
from tests.datasets import parsed

GENERATED = {"celeba": {"carrier.size": (32, 32)}, "era5": {"carrier.size": (25, 48)}}


@pytest.fixture(scope="module")
def engine():
    return Engine(device="cpu")


def test_all_generated_carriers_are_looked_at(engine):
    """A new carrier that draws covers with a law has to stand in `GENERATED`."""
    built_in = [c for c in engine.registry.all("carrier") if c.__module__.startswith("stegafield.")]
    drawn = {c.name for c in built_in if draws(c) and _law(engine, c.name)}
    assert drawn == set(GENERATED)


def _law(engine, name):
    plan = engine.plan(carrier=name, set=GENERATED.get(name, {}))
    return plan.carrier.covers(1, np.random.default_rng(0))[0].law is not None


def _files(engine, name, channel, count):
    """Plain files, and stegos of the same functions at the highest rate: lists of (file, codes)."""
    settings = dict(GENERATED[name])
    if len(formats(engine.registry.get("carrier", name))) > 1:
        settings["carrier.format"] = channel.name
    plan = engine.plan(carrier=name, set=settings)
    plain, stegos, key = [], [], Key.generate()
    message = bytes(engine.capacity(carrier=name, set=settings))
    for cover in plan.carrier.covers(count, np.random.default_rng()):
        plain.append((channel().write(cover, cover.codes), cover.codes))
        stego = engine.hide(message, carrier=name, key=key, cover=cover, set=settings)
        assert stego.report.method == "sample"
        stegos.append((stego.data, stego.codes))
    return plain, stegos


def _without_samples(channel, data, codes):
    """All that is not samples: what the format's parser sees, and the file with these codes."""
    cover = next(iter(channel().read(data)))
    rewritten = channel().write(cover, codes)
    if channel.name == "png":
        chunks, end = parse(data)
        split = [len(c.raw) < 1 << 16 for c in chunks if c.kind == b"IDAT"]
        return rewritten, [c.raw for c in chunks if c.kind != b"IDAT"], data[end:], split[-1:]
    if channel.name == "netcdf":
        found = parsed(data)
        return rewritten, {**found, "t2m": found["t2m"][:-1]}, len(data)
    return (rewritten,)


CASES = [
    (name, channel)
    for name in GENERATED
    for channel in formats(Engine(device="cpu").registry.get("carrier", name))
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "channel"), CASES, ids=lambda v: getattr(v, "name", v))
def test_plain_and_stego_files_differ_in_samples_alone(engine, name, channel):
    plain, stegos = _files(engine, name, channel, 24 if name == "celeba" else 6)
    for (one, codes), (other, changed) in zip(plain[:4], stegos[:4], strict=True):
        assert (codes != changed).mean() > 0.5
        blank = np.full_like(codes, int(np.median(codes)))
        assert _without_samples(channel, one, blank) == _without_samples(channel, other, blank)
    sizes = [[len(data) for data, _ in files] for files in (plain, stegos)]
    assert alike(*sizes)


def alike(one, other):
    """Whether sizes of files of the same functions look like draws of one law: sets, and pairs."""
    difference = np.subtract(one, other)
    if not np.ptp(difference):
        return not difference.any()
    together = stats.ks_2samp(one, other).pvalue
    return min(together, stats.ttest_1samp(difference, 0).pvalue) > 1e-7


@pytest.mark.slow
def test_other_sizes_are_seen(engine):
    """The test of sizes fails for noise that is too strong, and for a chunk too many."""
    (_, channel), plan = CASES[0], engine.plan(carrier="celeba", set=GENERATED["celeba"])
    rng, sizes = np.random.default_rng(17), []
    for cover in plan.carrier.covers(48, rng):
        noise = 2 * cover.law.sigma * rng.standard_normal(cover.codes.shape)
        codes = np.rint(cover.law.value + noise).clip(0, 255).astype(cover.codes.dtype)
        sizes.append([len(channel().write(cover, each)) for each in (cover.codes, codes)])
    plain, loud = np.transpose(sizes)
    assert not alike(plain, loud) and not alike(plain, plain + 12)
