"""Batches on a graphics card: one objective for many covers, recorded turns; the same on a CPU."""

import numpy as np
import pytest
import torch

from stegafield import Key
from stegafield.extractors.cnn import Cnn, objective
from stegafield.optimizers.lbfgs import Lbfgs
from stegafield.plugins.wiring import Engine
from stegafield.solving import cuda_graph
from stegafield.solving.batch import Together, losses, together
from tests.devices import count_questions
from tests.objectives import objectives

torch.set_num_threads(1)  # two workers share two cores


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("loss", Cnn.losses)
def test_joined_items_are_those_alone(norm, loss, device, monkeypatch):
    """Losses, gradients and what is tightened: of all items at once, and of each by its own."""
    parts = objectives(norm, loss)
    monkeypatch.setattr(objective, "BAND", 3 * 144)  # so that there are two runs of items
    joined, apart = type(parts[0]).joined(parts, device), Together(parts)
    assert list(joined.sizes) == [3, 2] and joined.recordable
    change = torch.randn(5, 3, 12, 12, generator=torch.Generator().manual_seed(1)) * 3
    change = change.to(device).requires_grad_()
    for _ in range(2):
        found = [one(change) for one in (joined, apart)]
        assert torch.allclose(*found, rtol=1e-4)
        slopes = [torch.autograd.grad(one.sum(), change)[0] for one in found]
        assert torch.allclose(*slopes, rtol=1e-3, atol=1e-4 * float(slopes[1].abs().max()))
        if not hasattr(parts[0], "tightened"):
            break
        joined, apart = (one.tightened(change.detach()) for one in (joined, apart))
        assert joined.recordable


def test_what_is_not_alike_is_not_joined():
    """Another number of free positions, or another full scale, makes a run of its own."""
    parts = objectives()
    parts[2].target._index = parts[2].target._index[:-1]
    parts[2].target._sign = parts[2].target._sign[:, :-1]
    parts[4].target.unit = 1 / 65_535
    joined = type(parts[0]).joined(parts, "cpu")
    assert list(joined.sizes) == [2, 1, 1, 1]
    change = torch.ones(5, 3, 12, 12)
    assert torch.allclose(joined(change), Together(parts)(change), rtol=1e-4)


def test_only_a_graphics_card_joins():
    """On a processor a batch of networks is slower than one by one (docs/decisions.md, 44)."""
    parts = objectives()
    assert together(parts[:1], Lbfgs(device="cpu")) is parts[0]
    assert together(parts, Lbfgs(device="cpu")).parts == parts
    placed = Lbfgs(device="meta")  # a device that is no processor, and is there everywhere
    assert list(together(parts, placed).sizes) == [5]
    mixed = [parts[0], lambda change: change.sum((1, 2, 3))]
    assert together(mixed, placed).parts == mixed


def test_parts_forget_what_they_computed():
    """The gradient of each part is taken before the next one is evaluated."""
    order = []

    class Noted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, value):
            order.append("value")
            return value.clone()

        @staticmethod
        def backward(ctx, up):
            order.append("slope")
            return up

    change = torch.arange(6.0).reshape(3, 2).requires_grad_()
    parts = [(lambda c: Noted.apply(c).square().sum(1), slice(i, i + 1)) for i in range(3)]
    found = losses(change, parts)
    assert order == ["value", "slope"] * 3 and found.tolist() == [1, 13, 41]
    weights = torch.tensor([1.0, 2.0, 3.0])
    (slope,) = torch.autograd.grad((found * weights).sum(), change)
    assert torch.equal(slope, 2 * change.detach() * weights[:, None])
    assert order == ["value", "slope"] * 3


def test_a_joined_loss_asks_the_device_for_nothing(monkeypatch):
    """It may be recorded: nothing in it waits, and nothing comes from the host."""
    parts = objectives()
    joined = type(parts[0]).joined(parts, "cpu")
    asked, leaf = count_questions(monkeypatch), torch.zeros(5, 3, 12, 12).requires_grad_()
    torch.autograd.grad(joined(leaf).sum(), leaf)
    joined.tightened(leaf.detach())
    assert not asked


def test_recording_changes_nothing(device, monkeypatch):
    """A processor records nothing; a graphics card records small batches, and finds the same."""
    engine, messages = Engine(device=device), [f"message {i}" for i in range(3)]
    covers = [
        np.random.default_rng(i).integers(40, 216, (40, 40, 3), dtype=np.uint8) for i in range(3)
    ]
    settings = {"extractor": "cnn", "method": "optimize", "set": {"extractor.norm": "batch"}}
    calls, real = [], cuda_graph.recorded

    def counted(*given):
        calls.append(given)
        return real(*given)

    monkeypatch.setattr("stegafield.optimizers.lbfgs.recorded", counted)

    def files():
        found = engine.hide_many(
            messages,
            key=Key(bytes(32)),
            carrier="image",
            covers=covers,
            bpp=1,
            rng=np.random.default_rng(7),
            **settings,
        )
        return [(one.report.psnr, one.report.bit_errors) for one in found]

    first = files()
    assert bool(calls) == (device == "cuda")
    monkeypatch.setattr(cuda_graph, "MOST", 0)
    calls.clear()
    second = files()
    assert not calls
    for (decibels, wrong), (others, wrong_too) in zip(first, second, strict=True):
        assert wrong == wrong_too and decibels == pytest.approx(others, abs=0.1)
