"""JPEG compatibility: pixels that were decoded from a JPEG, and blocks of them that no JPEG decodes
to.

J. Fridrich, M. Goljan, R. Du, "Steganalysis based on JPEG compatibility", SPIE 4518, 2001. It needs
no training and no file: tables and grid are found in the pixels (`history.jpeg`). Of colour it
looks at luminance, and at colours that no decoder makes; planes of chrominance, which files mostly
hold at half the size, are not judged by blocks.
"""

from typing import ClassVar

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ..core.detector import Detector
from ..history import jpeg

_FINE = 0.06
"""Of grey pictures with steps of one (quality 95 and more): so many blocks are missed by chance."""
_DECODED = 0.5
"""Share of possible colours above which the pixels were decoded: a quarter fits by chance."""
_MOST = 0.98
"""Where nearly every block contradicts, the picture was worked on, and nothing is known of it."""


class JpegCompatibility(Detector):
    """The share of blocks that no JPEG decodes to, in pictures of 8 bits that one decoded to."""

    name = "jpeg-compatibility"
    kinds = ("plane",)
    depths = (8,)
    threshold: ClassVar[float | None] = 0.002

    def score(self, codes: Int[ndarray, "channel y x"]) -> float:
        """That share, 0 to 1; 0 where nothing says that there was a JPEG."""
        if (
            codes.ndim != 3
            or min(codes.shape[1:]) < 8
            or codes.min(initial=0) < 0
            or codes.max(initial=0) > 255
        ):
            return 0.0
        found = [self._colour(codes)] if len(codes) == 3 else [self._grey(one) for one in codes]
        wrong = np.concatenate([np.zeros(1), *(one.ravel() for one in found)])
        share = float(wrong.sum() / max(1, wrong.size - 1))
        return share if share < _MOST else 0.0

    def _grey(self, plane: Int[ndarray, "y x"]) -> ndarray:
        past = jpeg.decoded(plane)
        if past is None:
            return np.zeros(0)
        wrong = jpeg.contradictions(plane, past)
        if not wrong.size:
            return np.zeros(0)
        doubt = _FINE if (past.table == 1).any() else 0.0
        return np.maximum(0.0, wrong.mean() - doubt) * np.ones(wrong.shape)

    def _colour(self, planes: Int[ndarray, "3 y x"]) -> ndarray:
        known = (planes.min(axis=0) > 0) & (planes.max(axis=0) < 255)
        share, light = jpeg.coloured(planes), jpeg.luminance(planes)
        past = jpeg.decoded(light, known)
        row, column = (past.row, past.column) if past else (0, 0)
        judged, wrong = ~jpeg.by_block(~known, row, column), np.zeros(1, bool)
        if past is not None and not (past.table == 1).any():
            wrong = jpeg.contradictions(light, past) & judged
        if share is not None and share > _DECODED:
            return wrong | jpeg.by_block(jpeg.foreign(planes), row, column)
        return wrong[judged] if wrong.shape == judged.shape else np.zeros(0)
