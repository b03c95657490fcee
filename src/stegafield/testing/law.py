"""How a contract test says which rule is broken."""

import numpy as np


def require(holds: "bool | np.bool_", law: str) -> None:
    """Raise `AssertionError` with the rule where it does not hold."""
    if not holds:
        raise AssertionError(law)
