"""The contract of a detector: a steganalyst's opinion of one item, untrained or trained."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from ..errors import BrokenPlugin, ConfigError, FormatError
from .blame import entering
from .cover import GridSpec


class Detector(ABC):
    """One steganalysis method."""

    name: ClassVar[str]
    api_version: ClassVar[int] = 1
    """The version of this contract that the class was written for (`core.registry`)."""
    threshold: ClassVar[float | None] = None
    """The score above which the method itself calls an item stego; None where it leaves that open.
    """
    kinds: ClassVar[tuple[str, ...]] = ()
    """The geometries that it judges (`GridSpec.kind`): of others its scores mean nothing.

    Empty: all.
    """
    depths: ClassVar[tuple[int, ...]] = ()
    """The bits at full scale that it judges (8 for most pictures).

    Empty: all, and media without a full scale.
    """

    @classmethod
    def judges(cls, spec: GridSpec) -> bool:
        """Whether the scores of items of this geometry mean anything."""
        return not cls.kinds or spec.kind in cls.kinds

    @abstractmethod
    def score(self, codes: Int[ndarray, "channel *space"]) -> float:
        """How likely these codes are stego: any scale, higher is more likely."""


class TrainedDetector(Detector):
    """A method that must see covers and stegos before it has an opinion: features of items, and a
    judge of features.

    `features` is apart from `judge` so that the features of one cover serve every training that it
    takes part in.
    """

    threshold: ClassVar[float | None] = 0.5
    """Its scores are shares of votes or probabilities."""

    @abstractmethod
    def features(self, codes: Int[ndarray, "channel *space"]) -> Float[ndarray, "*feature"]:
        """What the judge sees of an item; `ConfigError` where the item is too small or of another
        shape."""

    @abstractmethod
    def train(
        self,
        covers: Float[ndarray, "item *feature"],
        stegos: Float[ndarray, "item *feature"],
        seed: int,
    ) -> None:
        """Learn from features of covers and stegos (item i of both has one source).

        A seed gives one result.
        """

    @abstractmethod
    def judge(self, features: Float[ndarray, "item *feature"]) -> Float[ndarray, " item"]:
        """The scores of items, 0 to 1; `ConfigError` before training."""

    @abstractmethod
    def state(self) -> dict[str, ndarray]:
        """What training found, as arrays of numbers."""

    @abstractmethod
    def restore(self, state: Mapping[str, ndarray]) -> None:
        """Take over what another instance's `state` returned."""

    def score(self, codes: Int[ndarray, "channel *space"]) -> float:
        """The judge's score of one item."""
        return float(self.judge(self.features(codes)[None])[0])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write name and state to an .npz file (arrays of numbers and text, no pickle)."""
        out = BytesIO()
        arrays = {f"state_{name}": value for name, value in self.state().items()}
        np.savez_compressed(out, allow_pickle=False, detector=np.array(self.name), **arrays)
        Path(path).write_bytes(out.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "TrainedDetector":
        """A trained instance from a file that `save` wrote."""
        name, state = read_model(path)
        if name != cls.name:
            raise ConfigError("model", f"{path} is a model of {name!r}, not of {cls.name!r}.")
        found = cls()
        found.restore(state)
        return found

    def untrained(self) -> ConfigError:
        """The error of a judge that has learnt nothing."""
        hint = "Train it: `stegafield bench detect --models FOLDER` (stegafield-research)."
        return ConfigError("detector", f"{self.name!r} is not trained.", hint)


def judged(
    detector: Detector,
    spec: GridSpec,
    codes: Int[ndarray, "channel *space"],
    bits: int | None = None,
) -> float | None:
    """The score of one item of so many bits at full scale (None: it has none).

    None where the detector does not judge its geometry or its depth.
    """
    with entering(detector):
        depths = type(detector).depths
        judges = type(detector).judges(spec) and (not depths or bits in depths)
    return opinion(detector, codes) if judges else None


def opinion(detector: Detector, codes: Int[ndarray, "channel *space"]) -> float:
    """The score of one item.

    `BrokenPlugin` where a third party's detector fails, or where there is no number.
    """
    with entering(detector):
        found = float(detector.score(codes))
    if not np.isfinite(found):
        raise BrokenPlugin(f"the detector {detector.name!r} gives the score {found}.")
    return found


def summable(codes: Int[ndarray, "*shape"]) -> Int[ndarray, "*shape"] | None:
    """Codes so wide that sums of some neighbours cannot overflow; None where no type is so wide.

    What overflows asks for a histogram of billions of values, or finds nonsense.
    """
    most = max(abs(int(codes.min(initial=0))), abs(int(codes.max(initial=0))))
    if most >= 1 << 56:
        return None
    kind = np.int32 if most < 1 << 24 else np.int64
    return codes.astype(np.promote_types(codes.dtype, kind), copy=False)


def read_model(path: str | os.PathLike[str]) -> tuple[str, dict[str, ndarray]]:
    """The name of the detector and the state in a file that `TrainedDetector.save` wrote."""
    try:
        with np.load(BytesIO(Path(path).read_bytes()), allow_pickle=False) as file:
            name = str(file["detector"])
            state = {
                key.removeprefix("state_"): file[key] for key in file.files if key != "detector"
            }
    except OSError:
        raise
    except Exception:  # NumPy and zipfile raise a dozen kinds, which their pages do not list
        raise FormatError(f"{path} is no model of a detector", Path(path).suffix) from None
    return name, state
