"""An ensemble of Fisher linear discriminants: weak judges of random subspaces vote.

J. Kodovsky, J. Fridrich, V. Holub, "Ensemble classifiers for steganalysis of digital media", IEEE
Transactions on Information Forensics and Security 7(2), 2012. Each discriminant learns from a
bootstrap sample of the pairs; the pairs that it did not see measure its error (out of bag), which
chooses the size of subspaces and the number of learners.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.random import Generator

from ...errors import ConfigError, FormatError

_SIZES = (10, 30, 100, 200, 400, 800, 1600)
"""Dimensions of subspaces to try, ascending, until two in a row are worse than the best."""
_FEWEST, _MOST, _WINDOW, _STEADY = 25, 100, 15, 0.01
"""Learners are added until the out-of-bag error of the last 15 counts varies by less than 0.01."""
_RIDGE = 1e-3
"""Added to the variances of standardised features.

Subspaces may have more dimensions than there are pairs.
"""


@dataclass(frozen=True)
class Ensemble:
    """Discriminants that vote: those above zero say stego."""

    weights: Float[ndarray, "learner feature"]
    """Zero outside a learner's subspace; the scale of the features is included."""
    offsets: Float[ndarray, " learner"]
    out_of_bag: float
    """The estimated mean of both error rates, on pairs that the voters had not seen."""

    @classmethod
    def train(
        cls,
        covers: Float[ndarray, "item feature"],
        stegos: Float[ndarray, "item feature"],
        seed: int,
    ) -> "Ensemble":
        """The ensemble with the least out-of-bag error over sizes of subspaces."""
        if len(covers) != len(stegos) or len(covers) < 4:
            raise ConfigError(
                "covers", f"{len(covers)} and {len(stegos)}: at least 4 pairs are needed."
            )
        both = np.concatenate([covers, stegos]).astype(np.float64)
        centre, spread = both.mean(axis=0), both.std(axis=0)
        useful = np.flatnonzero(spread > 1e-12 * (1 + np.abs(centre)))
        spread = np.where(spread > 0, spread, 1.0)
        pair = [((part - centre) / spread)[:, useful] for part in (covers, stegos)]
        rng, worse = np.random.default_rng(seed), 0
        best = _grow(pair[0], pair[1], min(_SIZES[0], useful.size), rng)
        for size in (size for size in _SIZES[1:] if size < useful.size):
            if worse == 2:
                break
            found = _grow(pair[0], pair[1], min(size, useful.size), rng)
            best, worse = (found, 0) if found[2] < best[2] else (best, worse + 1)
        weights = np.zeros((len(best[0]), centre.size))
        weights[:, useful] = best[0]
        weights /= spread
        return cls(weights, best[1] - weights @ centre, best[2])

    def judge(self, features: Float[ndarray, "item feature"]) -> Float[ndarray, " item"]:
        """The share of learners that say stego."""
        if features.shape[1] != self.weights.shape[1]:
            raise ConfigError(
                "model", f"takes {self.weights.shape[1]} features, not {features.shape[1]}."
            )
        return (features @ self.weights.T + self.offsets > 0).mean(axis=1)

    def state(self) -> dict[str, ndarray]:
        """The arrays of the ensemble."""
        error = np.array(self.out_of_bag)
        return {"weights": self.weights, "offsets": self.offsets, "out_of_bag": error}

    @classmethod
    def restore(cls, state: Mapping[str, ndarray]) -> "Ensemble":
        """The ensemble of a `state`."""
        weights, offsets = state["weights"], state["offsets"]
        if weights.ndim != 2 or offsets.shape != weights.shape[:1] or weights.dtype.kind != "f":
            raise FormatError("these are not the arrays of an ensemble")
        return cls(weights, offsets, float(state["out_of_bag"]))


def _grow(
    covers: Float[ndarray, "item feature"],
    stegos: Float[ndarray, "item feature"],
    size: int,
    rng: Generator,
) -> tuple[Float[ndarray, "learner feature"], Float[ndarray, " learner"], float]:
    """Weights, offsets and out-of-bag error of learners on random subspaces of one size."""
    count, features = covers.shape
    weights, offsets, errors = [], [], []
    votes = np.zeros((2, count))
    while len(errors) < _MOST:
        chosen = rng.permutation(features)[:size]
        bag = rng.integers(0, count, count)
        drawn = np.ix_(bag, chosen)
        direction, offset = _discriminant(covers[drawn], stegos[drawn])
        unseen = np.ones(count, bool)
        unseen[bag] = False
        for kind, part in enumerate((covers, stegos)):
            vote = np.sign(part[np.ix_(unseen, chosen)] @ direction + offset)
            votes[kind, unseen] += vote
        errors.append(_error(votes))
        weights.append(np.zeros(features))
        weights[-1][chosen] = direction
        offsets.append(offset)
        last = errors[-_WINDOW:]
        if len(errors) >= _FEWEST and max(last) - min(last) < _STEADY:
            break
    return np.array(weights), np.array(offsets), float(np.mean(errors[-_WINDOW:]))


def _error(votes: Float[ndarray, "2 item"]) -> float:
    """The mean of both error rates of the majority; a draw is half an error."""
    return float((np.sign(votes[0]) + 1 + 1 - np.sign(votes[1])).mean() / 4)


def _discriminant(
    covers: Float[ndarray, "item feature"], stegos: Float[ndarray, "item feature"]
) -> tuple[Float[ndarray, " feature"], float]:
    """Fisher's direction, and the offset with the fewest errors on the training pairs."""
    means = covers.mean(axis=0), stegos.mean(axis=0)
    within = np.concatenate([covers - means[0], stegos - means[1]]) / np.sqrt(len(covers))
    direction = _solve(within, means[1] - means[0])
    values = np.concatenate([covers @ direction, stegos @ direction])
    is_stego = np.repeat([False, True], [len(covers), len(stegos)])
    return direction, -_split(values, is_stego)


def _solve(
    rows: Float[ndarray, "row feature"], wanted: Float[ndarray, " feature"]
) -> Float[ndarray, " feature"]:
    """x of (rows' rows + ridge) x = wanted.

    Solved through the smaller of both products of rows with themselves.
    """
    count, features = rows.shape
    if features <= count:
        return np.linalg.solve(rows.T @ rows + _RIDGE * np.eye(features), wanted)
    inner = np.linalg.solve(rows @ rows.T + _RIDGE * np.eye(count), rows @ wanted)
    return (wanted - rows.T @ inner) / _RIDGE


def _split(values: Float[ndarray, " item"], is_stego: Bool[ndarray, " item"]) -> float:
    """The threshold with the fewest errors: in the middle between two values."""
    order = np.argsort(values, kind="stable")
    ranked, kinds = values[order], is_stego[order]
    wrong = np.cumsum(np.where(kinds, 1, -1))  # stegos at or below the threshold, minus covers
    best = int(np.argmin(wrong[:-1]))
    return float((ranked[best] + ranked[best + 1]) / 2)
