"""How a contract test says which law is broken."""

import numpy as np


def require(holds: "bool | np.bool_", law: str) -> None:
    """`AssertionError` with the law, where it does not hold."""
    if not holds:
        raise AssertionError(law)
