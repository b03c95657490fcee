"""Extractors that cannot invert themselves: a third party's floats, an optimizer, error correction.

The extractor and the optimizer are small and real: a keyed random projection read with floats,
and a projected gradient descent on torch-free arrays. Neither is part of the package.
"""

from typing import ClassVar

import numpy as np
import pytest

from stegafield import Engine, Key, testing
from stegafield.carriers.era5 import Era5Carrier
from stegafield.carriers.image import ImageCarrier
from stegafield.channels.picture.png import PngChannel
from stegafield.coding.offer import at_least
from stegafield.core.extractor import Extractor
from stegafield.core.optimizer import Optimizer, Solution
from stegafield.core.registry import Registry
from stegafield.errors import ConfigError, EmbeddingFailed
from stegafield.extractors.phase import Phase
from stegafield.pipeline.effort import Effort
from stegafield.pipeline.embedding import embed_many
from stegafield.pipeline.task import Task

RGB = np.random.default_rng(0).integers(40, 216, (32, 32, 3), dtype=np.uint8)


class Loss:
    """sum(relu(margin - sign * projection)^2) with its gradient, for many items of one cover."""

    def __init__(self, weights, start, sign):
        self.weights, self.start, self.sign = weights, start, sign

    def _gap(self, change):
        flat = change.reshape(len(change), -1)
        return np.maximum(0, 60 - self.sign * (self.start + flat @ self.weights))

    def __call__(self, change):
        if isinstance(change, np.ndarray):
            return (self._gap(change) ** 2).sum(1)
        start, sign, weights = (
            change.new_tensor(array) for array in (self.start, self.sign, self.weights)
        )
        flat = change.reshape(len(change), -1)
        return ((60 - sign * (start + flat @ weights)).clamp(min=0) ** 2).sum(1)

    def gradient(self, change):
        return (-2 * (self._gap(change) * self.sign) @ self.weights.T).reshape(change.shape)


class Projection(Extractor):
    """Reads the sign of keyed random sums over the free elements: one bit in `n / k` of them."""

    name: ClassVar[str] = "projection"

    def _weights(self, free):
        rng = np.random.default_rng(list(self.seed))
        bits = int(np.count_nonzero(free) * self.rung.rate / 4)
        weights = np.zeros((free.size, bits))
        weights[np.flatnonzero(free)] = rng.choice([-1.0, 1.0], (np.count_nonzero(free), bits)) * (
            rng.random((np.count_nonzero(free), bits)) < 0.05
        )
        return weights

    def read(self, codes, free, spec):
        return ((codes.ravel() - 128.0) @ self._weights(free) > 0).astype(np.uint8)

    def objective(self, cover, bits):
        weights = self._weights(cover.free)
        return Loss(weights, (cover.codes.ravel() - 128.0) @ weights, 2.0 * bits - 1)


class Descent(Optimizer):
    """Projected gradient descent; uses the objective's own gradient where it has one."""

    name: ClassVar[str] = "descent"

    def solve(self, objective, box):
        change = np.clip(np.zeros_like(box.lower), box.lower, box.upper)
        for _ in range(200):
            slope = (
                objective.gradient(change) if hasattr(objective, "gradient") else 2 * (change - 0.5)
            )
            size = 1.5e-3 if hasattr(objective, "gradient") else 0.1
            change = np.clip(change - size * slope, box.lower, box.upper)
            if (objective(change) == 0).all():
                break
        return Solution(
            change, objective(change), np.full(len(change), 200), ("stopped",) * len(change)
        )


class Liar(Phase):
    """Projects onto other bits than those requested."""

    name: ClassVar[str] = "liar"

    def project(self, cover, bits, rng):
        return super().project(cover, 1 - bits, rng)


class Blurred(PngChannel):
    """A channel that loses the last bit of every sample."""

    def write(self, cover, codes):
        return super().write(cover, codes & ~1)


class BlurredCarrier(ImageCarrier):
    """Pictures through the lossy channel."""

    name: ClassVar[str] = "blurred"
    channel: ClassVar = Blurred
    channels: ClassVar = (Blurred,)


@pytest.fixture
def engine():
    registry = Registry()
    for kind, found in (
        *(("carrier", c) for c in (ImageCarrier, Era5Carrier, BlurredCarrier)),
        *(("channel", c) for c in (PngChannel, Era5Carrier.channel)),
        *(("extractor", e) for e in (Phase, Projection, Liar)),
        ("optimizer", Descent),
    ):
        registry.add(kind, found, f"test-{found.name}")
    return Engine(registry, device="cpu")


def test_the_toys_keep_the_contracts():
    testing.check_optimizer(Descent)
    testing.check_extractor(Projection, ImageCarrier().open(RGB), [at_least(0.2, "bps")])


def test_a_float_extractor_carries_a_corrected_message(engine):
    key = Key.generate()
    arguments = {
        "carrier": "image",
        "cover": RGB,
        "extractor": "projection",
        "optimizer": "descent",
        "bps": 2 / 3,
    }
    room = engine.capacity(**{k: v for k, v in arguments.items() if k != "optimizer"})
    message = np.random.default_rng(0).bytes(room)
    stego = engine.hide(message, key=key, **arguments)
    report = stego.report
    assert engine.reveal(stego.data, key=key) == message
    assert (report.method, report.optimizer, report.correction) == (
        "optimize",
        "descent",
        "rs",
    )
    assert report.evaluations > 0
    assert np.abs(stego.codes - stego.cover.codes).max() <= 0.3 * 255 + 3, "epsilon is a promise"
    hurt = stego.codes.copy()
    hurt.flat[np.random.default_rng(1).integers(0, hurt.size, 10)] += 1
    reread = PngChannel().write(stego.cover, np.clip(hurt, 0, 255))
    try:
        assert engine.reveal(reread, key=key) == message
    except (
        Exception
    ) as error:  # the salt or the header may have been hit: then it is nothing, never garbage
        assert "no message" in str(error)


def test_optimizing_needs_an_optimizer(engine):
    with pytest.raises(ConfigError, match="optimizer"):
        engine.hide(b"", carrier="image", cover=RGB, extractor="projection")


@pytest.mark.slow
def test_nothing_is_returned_unread(engine):
    weak = {"optimizer": "descent", "bps": 4, "set": {"effort.epsilon": 0.001}}
    for arguments, said in (
        ({"carrier": "image", "cover": RGB, "extractor": "liar"}, "no message"),
        ({"carrier": "blurred", "cover": RGB, "bpp": 1}, "other codes than write"),
        (
            {"carrier": "image", "cover": RGB[:20, :20], "extractor": "projection", **weak},
            "no message",
        ),
    ):
        with pytest.raises(EmbeddingFailed) as caught:
            engine.hide(b"lost", key=Key.generate(), **arguments)
        report = caught.value.report
        assert report.attempts == 4 and len(report.failures) == 4
        assert said in str(caught.value)


def test_a_failure_takes_a_new_cover_where_the_carrier_draws_them(engine):
    drawn = []

    class Counting(Era5Carrier):
        name: ClassVar[str] = "counting"

        def covers(self, count, rng):
            drawn.append(super().covers(count, rng)[0])
            return drawn[-1:]

    engine.registry.add("carrier", Counting, "test-counting")
    settings = {"carrier.size": (19, 36), "effort.attempts": 3}
    with pytest.raises(EmbeddingFailed):
        engine.hide(b"", carrier="counting", extractor="liar", method="project", set=settings)
    assert len(drawn) == 3 and not np.array_equal(drawn[0].codes, drawn[1].codes)


class Still(Optimizer):
    """Changes nothing, and remembers how many items each call had."""

    name: ClassVar[str] = "still"
    calls: ClassVar[list[int]] = []

    def solve(self, objective, box):
        count = len(box.lower)
        self.calls.append(count)
        losses = objective(np.zeros_like(box.lower))
        return Solution(0.0 * box.lower, losses, np.ones(count, int), ("stopped",) * count)


class Alone(Still):
    """The same, one item after the other."""

    batched: ClassVar[bool] = False


def test_covers_of_one_shape_are_solved_together_and_taken_as_needed():
    shapes, taken = [(9, 9), (9, 9), (9, 9), (8, 8), (9, 9)], []
    rung = at_least(0.2, "bps")

    def tasks():
        for number, shape in enumerate(shapes):
            taken.append(number)
            cover = ImageCarrier().open(np.full((*shape, 3), 99, np.uint8))
            extractor = Projection(None, seed=bytes([number]) * 32, rung=rung)
            bits = np.zeros(extractor.count(cover), np.uint8)
            yield Task(cover, bits, extractor, np.random.default_rng(0))

    effort = Effort(batch=2 * 243)
    found = embed_many(tasks(), effort, Still())
    assert next(found).method == "optimize" and taken == [0, 1, 2], (
        "one more than fits is looked at"
    )
    assert len(list(found)) == 4 and Still.calls == [2, 1, 1, 1]
    Still.calls.clear()
    assert len(list(embed_many(tasks(), Effort(), Alone()))) == 5 and Still.calls == [1] * 5
