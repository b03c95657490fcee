"""What only the sender chooses: ``--set effort.OPTION=VALUE``. The receiver needs none of it."""

from typing import Literal

from pydantic import Field

from ..core.options import Options

MethodName = Literal["sample", "project", "optimize"]


class Effort(Options):
    """What only the sender chooses; the receiver needs to know none of it."""

    method: MethodName | None = None
    """How bits get into the codes; None takes the first possible of sample, project, optimize."""
    epsilon: float = Field(0.3, gt=0, le=1)
    """Bound on |stego - cover| for `optimize`, as a share of full scale (the paper's 0.3)."""
    loss: Literal["hinge", "bce", "bce-normal"] | None = None
    """What `optimize` lowers, for extractors with a choice; None is the extractor's own."""
    finish: bool = True
    """Whether `optimize` cares for rounding: the solver as it goes, the extractor afterwards. The
    paper does not."""
    least_psnr: float | None = Field(None, gt=0)
    """An attempt below this PSNR in dB is given up, and a fresh salt (so a fresh seed) is tried
    (the paper's 20). None is as much for `optimize`."""
    doubtful: bool = False
    """Whether rates are tried that mostly do not read back from such a cover, and changes of any
    size taken."""
    batch: int = Field(1 << 18, ge=1)
    """How many elements `hide_many` optimises together at most; it bounds memory, nothing else."""
    costs: bool = True
    """Whether `project` changes your own covers where changes show least, if carrier and extractor
    can."""
    flat: bool = False
    """Whether flat and clipped places may change, too, at a high price; otherwise too much for the
    rest is an error."""
    attempts: int = Field(4, ge=1, le=100)
    """Fresh salts (and fresh covers, where the carrier draws them) before giving up; `sample` has
    one attempt."""
