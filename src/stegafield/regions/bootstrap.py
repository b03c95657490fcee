"""The three regions of a file: the salt (public positions), the header (keyed positions), and the rest, the payload.

Salt and header are the bootstrap: one byte in each fixed window of n samples, always in the block form of the phase
extractor. They are written first and their samples are frozen, so that any extractor can carry the payload.
"""

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from numpy.random import Generator

from ..coding import block, gibbs, prices, sampler
from ..coding.ladder import bootstrap_rung
from ..core import tiles
from ..core.cover import Costs, Cover
from ..core.noise import Source
from ..core.rung import Rung
from ..message.key import FileKey
from .header import Header, _header_mask
from .positions import header_windows, payload_free, salt_windows

_REACH = 4
"""Steps of a sample of the bootstrap, at most: any byte is reached, where two samples may move that far."""
_FEWEST_DRY = 4
"""Samples that may change in a window of the salt: with steps of up to four they reach any byte."""
_LAST_RESORT, _RARE = 40.0, 6.0
"""Exponents: of a step at most, so that numbers stay far from what float64 cannot hold; and added for each step beyond
the first, since the payload hardly ever takes a second, however cheap."""


def read_salt(cover: Cover) -> bytes | None:
    """The salt, or None where the cover is too small to hold one."""
    windows = salt_windows(cover.free)
    return _read(cover, windows) if windows.size else None


def read_header(cover: Cover, key: FileKey) -> Header | None:
    """The header, or None where this key finds none here."""
    raw = _read(cover, header_windows(cover.free, key))
    return Header.unpack(_header_mask(raw, key))


def bearable(cover: Cover) -> bool:
    """Whether every byte of the salt has samples whose changes cost less than infinity: where it stands is fixed.

    Elsewhere flat samples are its last resort, and everybody knows where to look.
    """
    if cover.costs is None or not (windows := salt_windows(cover.free)).size:
        return True
    dry = np.isfinite(np.minimum(*(side.ravel()[windows] for side in cover.costs)))
    return bool((dry.sum(axis=1) >= _FEWEST_DRY).all())


def write_bootstrap(
    cover: Cover,
    salt: bytes,
    header: Header,
    key: FileKey,
    rng: Generator,
    typical: Int[ndarray, " change"] | None = None,
    rate: float = 0.0,
) -> Cover:
    """The cover with salt and header in place, and only the payload's samples still free.

    Everybody can compute where the salt is. Its own changes are few; so its samples, and the header's, first get
    changes like the payload's, drawn from `typical`: else they would stand in every file as a clean reference to
    compare the others with. Where changes have costs, they are drawn from the law that changes of `rate` bits per
    sample follow, given the bytes: each sample of the bootstrap changes as often as one of the payload at its cost.
    """
    codes = tiles.like(cover.codes)
    law = None if cover.costs is None else _law(cover.costs, rate)
    for windows, data in (
        (salt_windows(cover.free), salt),
        (header_windows(cover.free, key), _header_mask(header.pack(), key)),
    ):
        low, high = cover.take(cover.low, windows), cover.take(cover.high, windows)
        values = _taken(codes, windows).astype(np.int64)
        symbols = np.frombuffer(data, np.uint8).astype(np.int64)
        rung = bootstrap_rung(tiles.count(cover.free))
        if cover.costs is not None and law is not None:
            here = Costs(*(side.ravel()[windows] for side in cover.costs))
            values = _drawn(values, low, high, symbols, rung, rng, here, law)
        else:
            if typical is not None and typical.size:
                values = _blended(values, low, high, typical, rng)
            values = block.project(values, low, high, symbols, rung, rng)
        codes[np.unravel_index(windows, codes.shape)] = values
    return cover.with_codes(codes).with_free(payload_free(cover, key))


def draw_bootstrap(
    cover: Cover, salt: bytes, header: Header, key: FileKey, source: Source
) -> tuple[Cover, float]:
    """The cover with salt and header drawn from its law, only the payload's samples still free; nats spent."""
    both = [salt_windows(cover.free), header_windows(cover.free, key)]
    windows = np.concatenate(both)
    symbols = np.frombuffer(salt + _header_mask(header.pack(), key), np.uint8).astype(np.int64)
    rung = bootstrap_rung(tiles.count(cover.free))
    drawn, codes = sampler.draw(cover, windows, symbols, rung, source), cover.codes.copy()
    codes.flat[windows] = drawn.codes
    return cover.with_codes(codes).with_free(payload_free(cover, key)), drawn.nats


def _blended(
    values: Int[ndarray, "byte sample"],
    low: int | ndarray,
    high: int | ndarray,
    typical: Int[ndarray, " change"],
    rng: Generator,
) -> Int[ndarray, "byte sample"]:
    """Samples with changes drawn from `typical`: the other way where one way leaves the range."""
    step = rng.choice(typical, values.shape)
    for trial in (values - step, values + step):
        values = np.where((trial >= low) & (trial <= high), trial, values)
    return values


def _law(costs: Costs, rate: float) -> float:
    """The multiplier of the law of changes at a rate, from some 100,000 samples."""
    every = max(1, costs.down.size >> 17)
    return gibbs.multiplier(Costs(*(side.ravel()[::every] for side in costs)), rate)


def _drawn(
    values: Int[ndarray, "byte sample"],
    low: int | ndarray,
    high: int | ndarray,
    symbols: Int[ndarray, " byte"],
    rung: Rung,
    rng: Generator,
    costs: Costs,
    law: float,
) -> Int[ndarray, "byte sample"]:
    """Windows with changes from the law p(step) ~ exp(-law cost(step)), given that they read `symbols`.

    What costs infinity is a last resort here: where salt and header stand is not ours to choose.
    """
    steps = np.arange(-_REACH, _REACH + 1)
    trial = values[..., None] + steps
    allowed = (trial >= np.expand_dims(low, -1)) & (trial <= np.expand_dims(high, -1))
    price = np.where(steps < 0, costs.down[..., None], costs.up[..., None]).astype(np.float64)
    far = np.abs(steps).astype(np.float64)
    dear = np.minimum(law * price, _LAST_RESORT)  # finite, for the step of zero
    spent = np.minimum(dear * prices.energy(far), _LAST_RESORT * far)
    spent += _RARE * np.maximum(far - 1, 0)
    share = np.where(allowed, np.exp(-spent), 0).transpose(1, 2, 0)  # sample, step, byte
    left = (symbols - block.read_symbols(values, rung)) & (rung.phases - 1)
    luck = rng.random(values.T.shape)
    return values + sampler.given(list(share), steps, left, rung, luck).T


def _read(cover: Cover, windows: Int[ndarray, "byte sample"]) -> bytes:
    rung = bootstrap_rung(tiles.count(cover.free))
    symbols = block.read_symbols(_taken(cover.codes, windows), rung)
    return symbols.astype(np.uint8).tobytes()


def _taken(
    codes: Int[ndarray, "channel *space"], windows: Int[ndarray, "byte sample"]
) -> Int[ndarray, "byte sample"]:
    """Codes at flat positions, without a copy of all."""
    return codes[np.unravel_index(windows, codes.shape)]
