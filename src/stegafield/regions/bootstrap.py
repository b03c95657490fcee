"""The bootstrap: the salt at public positions and the header at keyed ones (docs/format.md, 5 and
7).

One byte in each fixed window of n elements, always in the block form of the phase extractor. Salt
and header are written first and their elements are frozen, so that any extractor can carry the
payload.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from numpy.random import Generator

from ..coding import block, gibbs, prices, sampler
from ..core import tiles
from ..core.cover import Costs, Cover
from ..core.noise import Source
from ..core.rung import Rung
from ..message.key import SALT_BYTES, FileKey, Key
from .header import HEADER_BYTES, Header, masked
from .positions import Positions, PublicPositions, public

WINDOWS = SALT_BYTES + HEADER_BYTES
"""A byte in each."""
_REACH = 4
"""Steps of an element of the bootstrap, at most: any byte is reached, where two elements may move
that far."""
_FEWEST_DRY = 4
"""Elements that may change in a window of the salt: with steps of up to four they reach any byte.
"""
_LAST_RESORT, _RARE = 40.0, 6.0
"""Exponents: of a step at most, so that numbers stay far from what float64 cannot hold; and added
for each step beyond the first, since the payload hardly ever takes a second, however cheap."""


class Opened(NamedTuple):
    """What a key finds in a cover, before the payload is read."""

    salt: bytes
    key: FileKey
    at: Positions
    header: Header | None
    """None where this key finds none here."""


def opened(cover: Cover, key: Key) -> Opened | None:
    """Salt, file key, positions and header of a cover; None where it is too small for any."""
    at = public(cover.free)
    if at is None:
        return None
    salt = read_salt(cover, at)
    file_key = key.file_key(salt)
    keyed = at.keyed(file_key)
    return Opened(salt, file_key, keyed, read_header(cover, keyed, file_key))


def read_salt(cover: Cover, at: PublicPositions) -> bytes:
    """The salt of a cover."""
    return _read(cover, at.salt, at.rung)


def read_header(cover: Cover, at: Positions, key: FileKey) -> Header | None:
    """The header, or None where this key finds none here."""
    return Header.unpack(masked(_read(cover, at.header, at.rung), key))


def written(cover: Cover, salt: bytes, header: Header, at: Positions, key: FileKey) -> bool:
    """Whether salt and header are read where they were written.

    Elements with few values to go to do not reach every byte; another salt asks for other ones.
    """
    stands = _read(cover, at.salt, at.rung), _read(cover, at.header, at.rung)
    return stands == (salt, masked(header.pack(), key))


def bearable(cover: Cover, at: PublicPositions) -> bool:
    """Whether each byte of the salt has elements whose changes cost less than infinity.

    The salt cannot stand elsewhere: flat elements are its last resort, and anyone knows where to
    look.
    """
    if cover.costs is None:
        return True
    dry = np.isfinite(np.minimum(*(side.ravel()[at.salt] for side in cover.costs)))
    return bool((dry.sum(axis=1) >= _FEWEST_DRY).all())


def write_bootstrap(
    cover: Cover,
    salt: bytes,
    header: Header,
    at: Positions,
    key: FileKey,
    rng: Generator,
    typical: Int[ndarray, " change"] | None = None,
    rate: float = 0.0,
) -> Cover:
    """The cover with salt and header in place, and only the payload's elements still free.

    Anyone can compute where the salt is. Its own changes are few; so its elements, and the
    header's, first get changes like the payload's, drawn from `typical`: otherwise they would stand
    in every file as a clean reference to compare the others with. Where changes have costs, they
    are drawn from the law that changes of `rate` bits per element follow, given the bytes: each
    element of the bootstrap changes as often as one of the payload at its cost.
    """
    codes = tiles.like(cover.codes)
    law = None if cover.costs is None else _law(cover.costs, rate)
    for windows, data in ((at.salt, salt), (at.header, masked(header.pack(), key))):
        low, high = cover.take(cover.low, windows), cover.take(cover.high, windows)
        values = _taken(codes, windows).astype(np.int64)
        symbols = np.frombuffer(data, np.uint8).astype(np.int64)
        if cover.costs is not None and law is not None:
            here = Costs(*(side.ravel()[windows] for side in cover.costs))
            values = _drawn(values, low, high, symbols, at.rung, rng, here, law)
        else:
            if typical is not None and typical.size:
                values = _blended(values, low, high, typical, rng)
            values = block.project(values, low, high, symbols, at.rung, rng)
        codes[np.unravel_index(windows, codes.shape)] = values
    return cover.with_codes(codes).with_free(at.payload)


def draw_bootstrap(
    cover: Cover, salt: bytes, header: Header, at: Positions, key: FileKey, source: Source
) -> tuple[Cover, float]:
    """The cover with salt and header drawn from its law, the payload free; nats spent."""
    windows = np.concatenate([at.salt, at.header])
    symbols = np.frombuffer(salt + masked(header.pack(), key), np.uint8).astype(np.int64)
    drawn, codes = sampler.draw(cover, windows, symbols, at.rung, source), cover.codes.copy()
    codes.flat[windows] = drawn.codes
    return cover.with_codes(codes).with_free(at.payload), drawn.nats


def _blended(
    values: Int[ndarray, "byte sample"],
    low: int | ndarray,
    high: int | ndarray,
    typical: Int[ndarray, " change"],
    rng: Generator,
) -> Int[ndarray, "byte sample"]:
    """Elements with changes drawn from `typical`: the other way where one way leaves the range."""
    step = rng.choice(typical, values.shape)
    for trial in (values - step, values + step):
        values = np.where((trial >= low) & (trial <= high), trial, values)
    return values


def _law(costs: Costs, rate: float) -> float:
    """The multiplier of the law of changes at a rate, from some 100,000 elements."""
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
    """Windows with changes from the law p(step) ~ exp(-law cost(step)), given that they read
    `symbols`.

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


def _read(cover: Cover, windows: Int[ndarray, "byte sample"], rung: Rung) -> bytes:
    symbols = block.read_symbols(_taken(cover.codes, windows), rung)
    return symbols.astype(np.uint8).tobytes()


def _taken(
    codes: Int[ndarray, "channel *space"], windows: Int[ndarray, "byte sample"]
) -> Int[ndarray, "byte sample"]:
    """Codes at flat positions, without a copy of all."""
    return codes[np.unravel_index(windows, codes.shape)]
