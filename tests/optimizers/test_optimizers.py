"""The solvers: against SciPy's, item by item, in boxes that bind, on losses that are no numbers."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from stegafield.core.optimizer import Box, Solution
from stegafield.optimizers.adam import Adam
from stegafield.optimizers.lbfgs import STATUS, Lbfgs
from stegafield.optimizers.paper import Paper
from stegafield.solving.batch import Together
from tests.devices import count_questions

torch.set_num_threads(1)  # two workers share two cores
STEEPNESS = np.logspace(0, 2, 6)
LOWER, UPPER = np.full((6, 10), -1.5), np.full((6, 10), 2.0)
UPPER[1, ::3], UPPER[4, 1], LOWER[5, 3] = 0.5, 0.2, 1.3


def _rosenbrock(change, steepness=STEEPNESS):
    steep = torch.as_tensor(steepness, device=change.device)[:, None]
    valley = steep * (change[:, 1:] - change[:, :-1] ** 2) ** 2
    return (valley + (1 - change[:, :-1]) ** 2).sum(1)


def _precise(**options):
    return Lbfgs.Options(evaluations=2000, precision="float64", tolerance=1e-9, **options)


def test_lbfgs_finds_what_scipy_finds(device):
    found = Lbfgs(_precise(), device=device).solve(_rosenbrock, Box(LOWER, UPPER))
    for item in range(6):

        def one(x, item=item):
            leaf = torch.tensor(x[None], requires_grad=True)
            loss = _rosenbrock(leaf, STEEPNESS[item : item + 1]).sum()
            return loss.item(), torch.autograd.grad(loss, leaf)[0][0].numpy()

        start = np.clip(np.zeros(10), LOWER[item], UPPER[item])
        bounds = list(zip(LOWER[item], UPPER[item], strict=True))
        best = minimize(
            one,
            start,
            jac=True,
            bounds=bounds,
            method="L-BFGS-B",
            options={"gtol": 1e-10, "ftol": 1e-14},
        )
        assert found.loss[item] == pytest.approx(best.fun, abs=1e-8)
        assert found.status[item] in ("the gradient is zero", "no step lowers the loss")
        assert found.evaluations[item] < 10 * best.nfev
    inside = (found.change >= LOWER) & (found.change <= UPPER)
    assert inside.all() and (found.change[1, 3] == 0.5), "bounds bind and are kept"


@pytest.mark.parametrize("solver", [Lbfgs, Adam])
def test_rows_of_a_batch_are_single_solves(solver, device):
    together = solver(device=device).solve(_rosenbrock, Box(LOWER, UPPER))
    for item in range(6):
        rows = slice(item, item + 1)
        alone = solver(device=device).solve(
            lambda change, rows=rows: _rosenbrock(change, STEEPNESS[rows]),
            Box(LOWER[rows], UPPER[rows]),
        )
        assert alone.change == pytest.approx(together.change[rows], abs=1e-4)
        assert alone.evaluations[0] == together.evaluations[item]
        assert alone.status[0] == together.status[item]


@pytest.mark.parametrize("solver", [Lbfgs, Adam, Paper])
def test_an_item_stops_at_zero(solver, device):
    """A hinge: the first item starts satisfied, the second gets there, the third cannot."""

    def hinge(change):
        wanted = torch.tensor([[0.0], [0.5], [9.0]], device=change.device)[-len(change) :]
        return (wanted - change).relu().square().sum(1)

    def alone(change):
        return (0.5 - change).relu().square().sum(1)

    if solver is Paper:  # its items are solved one after the other, each by the whole objective
        found = solver(Paper.Options(rounds=5)).solve(alone, Box(-np.ones((2, 4)), np.ones((2, 4))))
        assert found.evaluations.max() <= 50 and (found.loss >= 0).all()
        return
    box = Box(-np.ones((3, 4)), np.ones((3, 4)))
    found = solver(device=device).solve(hinge, box)
    assert found.loss[0] == found.loss[1] == 0 < found.loss[2]
    assert found.evaluations[0] == 1 < found.evaluations[1] < solver.Options().evaluations
    assert found.status[:2] == ("the loss is zero",) * 2 and found.change[2].max() == 1


def test_lbfgs_reports_and_never_raises(device):
    def holes(change):
        """A bowl that is no number beyond 0.3, in the second item; in the third, never one."""
        bowl = (change - 1).square().sum(1)
        second = torch.where(change[1].abs().max() > 0.3, torch.nan, bowl[1])
        return torch.stack([bowl[0], second, bowl[2] * torch.nan])

    found = Lbfgs(device=device).solve(holes, Box(-np.ones((3, 4)), np.full((3, 4), 2.0)))
    assert found.loss[0] < 1e-9 and np.isfinite(found.change).all()
    assert 0 < found.change[1].max() <= 0.3 and found.loss[1] < 4
    assert found.status[2] == "the loss is not a number" and not found.change[2].any()
    assert set(found.status) <= set(STATUS)
    short = Lbfgs(Lbfgs.Options(evaluations=3), device=device)
    found = short.solve(_rosenbrock, Box(LOWER, UPPER))
    assert found.evaluations.tolist() == [3] * 6 and found.status[5] == "all evaluations are spent"


def test_lbfgs_asks_the_device_rarely(monkeypatch):
    """Host and device wait for each other only for stop flags, every eighth turn, and at last."""
    asked = count_questions(monkeypatch)
    Lbfgs(Lbfgs.Options(evaluations=81)).solve(_rosenbrock, Box(LOWER, UPPER))
    flags = [name for name in asked if name == "__bool__"]
    assert 0 < len(flags) <= 10
    assert len(asked) - len(flags) <= 2 * len(Solution.__dataclass_fields__)
    asked.clear()
    box = Box(LOWER, UPPER, whole=True)
    Lbfgs(Lbfgs.Options(evaluations=81)).solve(Demands(torch.ones(6, 1), torch.eye(10)), box)
    assert asked.count("__bool__") <= 16, "six rounds ask no oftener than once more each"
    assert len(asked) - asked.count("__bool__") <= 2 * len(Solution.__dataclass_fields__)


PAIRS = torch.eye(12) + torch.eye(12).roll(1, 1)


class Demands:
    """Least change whose sums shall reach `wanted`: an augmented Lagrangian, weighted softly."""

    def __init__(self, wanted, rows=PAIRS, short=0.0):
        self.wanted, self.rows, self.short = wanted, rows, short

    def lack(self, change):
        sums = change @ self.rows.to(change).T
        return (self.wanted.to(sums) + self.short - sums).relu()

    def __call__(self, change):
        return (2 * self.lack(change).square()).sum(1) + change.square().sum(1)

    def tightened(self, change):
        return Demands(self.wanted, self.rows, self.lack(change))


@pytest.mark.parametrize("solver", [Lbfgs, Adam])
def test_rounds_meet_what_is_demanded(solver, device):
    """A soft weight alone leaves a ninth unmet; multipliers make up for most. Items stay alone."""
    wanted = torch.tensor([[1.0], [3.0]])
    box = Box(-np.ones((2, 12)), np.full((2, 12), 9.0))
    options = solver.Options(evaluations=300)
    found = solver(options, device=device).solve(Demands(wanted), box)
    once = solver(options, device=device).solve(lambda change: Demands(wanted)(change), box)
    assert once.change.mean(1) == pytest.approx([4 / 9, 12 / 9], abs=0.01)
    assert found.change.mean(1) == pytest.approx([40 / 81, 120 / 81], abs=0.01)
    alone = solver(options, device=device).solve(
        Demands(wanted[1:]), Box(box.lower[1:], box.upper[1:])
    )
    assert alone.change[0] == pytest.approx(found.change[1], abs=1e-4)
    parts = [Demands(wanted[:1]), Demands(wanted[1:])]
    batch = solver(options, device=device).solve(Together(parts), box)
    assert batch.change == pytest.approx(found.change, abs=1e-4)


@pytest.mark.parametrize("solver", [Lbfgs, Adam])
def test_whole_numbers_are_settled_as_it_goes(solver, device):
    """Most samples end whole, the others make up for what that broke: rounding hardly hurts."""
    rows = torch.randn(40, 400, generator=torch.Generator().manual_seed(0)) / 20
    demands, lower, upper = Demands(torch.full((3, 1), 4.0), rows), -2.5, 8.0
    box = Box(np.full((3, 400), lower), np.full((3, 400), upper), whole=True)
    options = solver.Options(evaluations=200)
    found = solver(options, device=device).solve(demands, box)
    plain = solver(options, device=device).solve(demands, Box(box.lower, box.upper))
    settled = found.change[found.change == np.rint(found.change)]
    assert settled.size > 0.9 * found.change.size and settled.min() == -2, "-3 is not in the box"
    assert (found.change >= lower).all() and (found.change <= upper).all()
    rounded = [torch.tensor(np.rint(s.change)) for s in (found, plain)]
    lack = [Demands(torch.full((3, 1), 3.9), rows).lack(change).sum() for change in rounded]
    assert lack[0] < lack[1] / 3


def test_an_empty_batch_is_solved():
    box = Box(np.zeros((0, 4)), np.zeros((0, 4)))
    for solver in (Lbfgs, Adam, Paper):
        found = solver().solve(lambda change: change.sum(1), box)
        assert found.change.shape == (0, 4) and found.status == ()


def test_the_paper_takes_ten_evaluations_a_round():
    def far(change):
        return (change - 200).square().sum(1)

    found = Paper(Paper.Options(rounds=7)).solve(far, Box(-np.ones((1, 9)), np.ones((1, 9))))
    assert found.evaluations[0] == 70 and found.status == ("all rounds are spent",)
    assert found.change.max() <= 1


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.5])
def test_the_paper_is_torchs_own_solver_on_codes_over_full_scale(rate):
    """Round by round: ten iterations at this rate from a fresh history, then clipped."""

    def loss(change):
        return ((change - torch.linspace(-90, 90, 8)) / 40).square().sum(1).cosh().log()

    box = Box(np.full((1, 8), -76.5), np.full((1, 8), 60.0), scale=255.0)
    found = Paper(Paper.Options(rounds=3, rate=rate)).solve(loss, box)
    point = torch.zeros(1, 8)
    for _ in range(3):
        leaf = point.clone().requires_grad_()
        solver = torch.optim.LBFGS([leaf], lr=rate, max_iter=10)

        def closure(leaf=leaf, solver=solver):
            solver.zero_grad()
            value = loss(255 * leaf).sum()
            value.backward()
            return value

        solver.step(closure)
        point = leaf.detach().clamp(-76.5 / 255, 60 / 255)
    assert np.abs(found.change).max() > 20
    assert found.change == pytest.approx(255 * point.numpy(), abs=1e-3)


def test_the_paper_stops_after_the_round_in_which_no_bit_is_wrong():
    class Bits:
        """Two of three samples shall pass 2; the loss never is zero."""

        def __call__(self, change):
            return torch.nn.functional.softplus(4 - 2 * change[:, :2]).sum(1)

        def errors(self, change):
            return (change[:, :2] <= 2).sum(1)

    found = Paper().solve(Bits(), Box(-np.full((1, 3), 9.0), np.full((1, 3), 9.0)))
    assert found.status == ("no bit is wrong",) and (found.change[0, :2] > 2).all()
    assert found.evaluations[0] % 10 == 0 and 0 < found.evaluations[0] < 1000
    assert found.change[0, 2] == 0 and found.loss[0] > 0


def test_a_batch_of_objectives_is_each_item_with_its_own(device):
    parts = [lambda change, t=t: (change - t).square().sum(1) for t in (0.1, 0.7, 5.0)]
    box = Box(-np.ones((3, 4)), np.ones((3, 4)))
    found = Lbfgs(device=device).solve(Together(parts), box)
    assert found.change == pytest.approx(np.repeat([[0.1], [0.7], [1.0]], 4, 1), abs=1e-3)
    for item, part in enumerate(parts):
        alone = Lbfgs(device=device).solve(part, Box(box.lower[:1], box.upper[:1]))
        assert alone.change[0] == pytest.approx(found.change[item], abs=1e-6)
        assert alone.evaluations[0] == found.evaluations[item]
    assert Together(parts)(torch.zeros(3, 4)).tolist() == pytest.approx([0.04, 1.96, 100])


def test_a_missing_torch_says_what_to_type(monkeypatch):
    from stegafield.errors import ConfigError

    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    for solver in (Lbfgs, Adam, Paper):
        with pytest.raises(ConfigError, match=r'pip install "stegafield\[torch\]"'):
            solver().solve(abs, Box(np.zeros((1, 1)), np.ones((1, 1))))
