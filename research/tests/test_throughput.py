"""Covers a second, and the work that is counted for them."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from stegafield.extractors.cnn import Cnn
from stegafield.plugins.wiring import Engine
from stegafield_research.measure import throughput
from tests.objectives import ONE, objectives

torch.set_num_threads(1)  # two workers share two cores


def test_work_is_counted_as_torch_counts_it():
    """Operations of one evaluation and its gradient, for one cover and for a joined pair."""
    parts = objectives(sizes=((12, 12),) * 2)
    kernels = [one.shape for one in Cnn(Cnn.Options(), seed=bytes(32), rung=ONE).weights(3, 2)]
    for number, loss in ((1, parts[0]), (2, type(parts[0]).joined(parts, "cpu"))):
        leaf = torch.zeros(number, 3, 12, 12).requires_grad_()
        with FlopCounterMode(display=False) as counter:
            torch.autograd.grad(loss(leaf).sum(), leaf)
        work = throughput.least_work(kernels, (12, 12), 10)
        assert counter.get_total_flops() == number * work.flops


@pytest.mark.slow
def test_throughput_of_batches(monkeypatch):
    monkeypatch.setattr(throughput, "DISTINCT", 2)
    rows = list(throughput.measure(Engine(device="cpu"), [(12, 16)], [1, 2, 3]))
    assert [(row["size"], row["batch"]) for row in rows] == [("12x16", n) for n in (1, 2, 3)]
    assert [("whole_covers_per_second" in row, "psnr" in row) for row in rows] == [
        (True, True),
        (True, True),
        (False, False),
    ]
    for row in rows:
        assert row["covers_per_second"] * row["seconds"] == pytest.approx(row["batch"])
        assert 0 < row["share_of_bound"] and row["bound_seconds"] > 0
        assert row["device"] == "cpu" and row["peak_gib"] is None
