"""The contract of a network that is kept on disk.

It is built from its config alone, and everything that it learned is in its state.
"""

from typing import Any, ClassVar

from pydantic import BaseModel
from torch import nn


class Model(nn.Module):
    """A network that can be kept on disk.

    A subclass names its `family` and its pydantic `Config`, and keeps the config that it was made
    with. `checkpoint` writes and reads it. All its tensors are in its `state_dict`.
    """

    family: ClassVar[str]
    Config: ClassVar[type[BaseModel]]
    config: Any
