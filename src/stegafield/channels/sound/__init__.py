"""Sound: PCM samples as codes, shared by all channels of this medium.

One code is one step of the subtype.
"""

from io import SEEK_SET, BytesIO

import numpy as np
from jaxtyping import Integer
from numpy import ndarray

from ...core.cover import Cover, GridSpec

DEPTHS = {"PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
"""The subtypes that carry messages, by soundfile's names, and their bits a sample."""


class Memory(BytesIO):
    """The bytes of a file for libsndfile, which seeks before the start of damaged ones.

    An exception there would be printed by the bridge between C and Python.
    """

    def seek(self, offset: int, whence: int = SEEK_SET, /) -> int:
        """The new position; the old one where there is no such place."""
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return self.tell()


def as_cover(
    frames: Integer[ndarray, "frame channel"], bits: int, channel: str, container: object
) -> Cover:
    """A cover of the integers that a file stores; all samples are free.

    8 bits are unsigned (0 to 255), more are signed.
    """
    half = 1 << (bits - 1)
    codes = frames.T  # 16 bits stay where they are, interleaved: an hour is 300 million
    if bits != 16 or codes.dtype != np.int16:
        codes = np.ascontiguousarray(codes, np.int16 if bits == 16 else np.int32)
    return Cover(
        codes=codes,
        low=0 if bits == 8 else -half,
        high=255 if bits == 8 else half - 1,
        free=np.broadcast_to(True, codes.shape),
        spec=GridSpec(("time",), (False,), "line"),
        container=container,
        channel=channel,
        step=1 / half,
        unit="of full scale",
        peak=float(half),
    )
