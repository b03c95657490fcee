"""What a warden sees over many files of one key: salts, symbols and positions are all fresh."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stegafield.carriers.image import ImageCarrier
from stegafield.coding.offer import at_least
from stegafield.extractors.phase import Phase
from stegafield.message.place import permutation
from stegafield.regions import positions

FILES = 4096


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What the key holder sees of 4,096 stego pictures of one key and one message."""
    out = tmp_path_factory.mktemp("many") / "files.npz"
    script = Path(__file__).with_name("many_files.py")
    subprocess.run([sys.executable, script, str(FILES), out], check=True)
    return np.load(out)


def _chi_square_in_sigmas(values, categories):
    counts = np.bincount(values, minlength=categories)
    expected = counts.sum() / categories
    statistic = ((counts - expected) ** 2 / expected).sum()
    return (statistic - (categories - 1)) / np.sqrt(2 * (categories - 1))


def test_salts_are_all_different_and_uniform(files):
    salts = files["salts"]
    assert len({bytes(salt.tolist()) for salt in salts}) == FILES
    assert abs(_chi_square_in_sigmas(salts.ravel(), 256)) < 5


def test_masked_symbols_are_uniform(files):
    bits = files["bits"]
    symbols = bits.reshape(FILES, -1, 5) @ (1 << np.arange(5)[::-1])
    assert abs(_chi_square_in_sigmas(symbols.ravel(), 32)) < 5
    for place in range(
        symbols.shape[1]
    ):  # the same message in every file, yet each window uniform over files
        assert abs(_chi_square_in_sigmas(symbols[:, place], 32)) < 6
    ones = bits.mean(axis=0)
    assert np.abs(ones - 0.5).max() < 6 * 0.5 / FILES**0.5
    centred = bits - ones
    pairs = centred.T @ centred / FILES * 4
    np.fill_diagonal(pairs, 0)
    assert np.abs(pairs).max() < 6 / FILES**0.5, "two bits of the frame are related"


def test_masked_headers_are_uniform(files):
    assert abs(_chi_square_in_sigmas(files["headers"].ravel(), 256)) < 5


def test_positions_of_two_files_meet_no_more_than_by_chance(files):
    seeds, size, samples = [bytes(seed.tolist()) for seed in files["seeds"]], 576, 15
    windows = size // samples
    order = np.array([permutation(seed, size)[: windows * samples] for seed in seeds[:512]])
    slot = np.full((512, size), -1)
    np.put_along_axis(
        slot, order, np.broadcast_to(np.arange(windows * samples) // samples, order.shape), axis=1
    )
    rng = np.random.default_rng(0)
    one, two = rng.integers(0, 512, (2, 20_000))
    same = ((slot[one] == slot[two]) & (slot[one] >= 0))[one != two].sum(axis=1)
    # A sample of one file stands in the same window of the other with probability
    # (samples / size) for each window.
    expected = windows * samples * samples / size
    assert abs(same.mean() - expected) < 0.05 * expected
    assert same.max() < expected + 8 * expected**0.5
    headers = files["places"][:256]
    shared = [np.intersect1d(headers[i], headers[i + 1]).size for i in range(255)]
    chance = headers.shape[1] ** 2 / (768 - 16 * 8)
    assert abs(np.mean(shared) - chance) < 0.15 * chance


def test_embedding_draws_ties_afresh(key):
    cover = ImageCarrier().open(np.full((16, 16, 3), 128, np.uint8))
    extractor = Phase(None, seed=bytes(32), rung=at_least(1, "bps"))
    bits = np.zeros(extractor.count(cover), np.uint8)
    found = [extractor.project(cover, bits, np.random.default_rng(i)) for i in range(2)]
    assert not np.array_equal(*found)


@pytest.mark.parametrize("bpp", [1, 2, 4])
def test_the_salt_does_not_stand_out(engine, bpp):
    """Its positions are public: changed less than the rest, they would show how much that was."""
    cover = np.random.default_rng(0).integers(20, 236, (48, 48, 3), dtype=np.uint8)
    at_salt, elsewhere = [], []
    for _ in range(24):
        stego = engine.hide(b"m", carrier="image", cover=cover, bpp=bpp)
        change = (stego.codes - stego.cover.codes).ravel().astype(float) ** 2
        salt = positions.public(stego.cover.free).salt.ravel()
        at_salt.append(change[salt])
        elsewhere.append(np.delete(change, salt))
    one, other = np.concatenate(at_salt), np.concatenate(elsewhere)
    # the salt's own change, at most one step in a window, comes on top
    assert other.mean() * 0.93 < one.mean() < other.mean() + 0.35
