"""What makes a host wait for its device."""

import torch

QUESTIONS = (
    "__bool__",
    "__float__",
    "__int__",
    "__index__",
    "item",
    "tolist",
    "cpu",
    "numpy",
    "nonzero",
)
"""Methods of a tensor that return when all that was queued is done."""


def count_questions(monkeypatch) -> list[str]:
    """A list that grows by the name of each of these that is called."""
    asked: list[str] = []
    for name in QUESTIONS:
        real = getattr(torch.Tensor, name)

        def count(self, *given, _name=name, _real=real):
            asked.append(_name)
            return _real(self, *given)

        monkeypatch.setattr(torch.Tensor, name, count)
    return asked
