"""The table of risks that `hide` reads, from rows of `bench detect`."""

from collections.abc import Iterable, Mapping
from typing import Any

from stegafield.pipeline.risk import CONTROLS, PASTS, Measured

_USUAL_BITS = {"image": 8, "audio": 16}
"""Of the published rows, which were measured before rows said so."""


_DEFAULT = "phase"
"""Whose rows `bench detect --against project` makes: they are named by the method."""


def collected(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Measured]:
    """The table of those rows of `bench detect` that say how the files were made.

    Each row comes with the name of its set; the set's `about` line says what the covers were. Files
    of the sampler are left out: they have a bound, and need no table. So are detectors of LSB
    replacement, which nothing here uses: they are controls. And so are detectors of a cover's past,
    which is told apart.
    """
    rows = list(rows)
    sources = {row["about"]: row.get("source", "") for _, row in rows if "about" in row}
    return [
        Measured(
            **{
                field: row[field]
                for field in ("carrier", "channels", "method", "costs", "detector")
            },
            **{field: row[field] for field in ("payload", "pairs", "p_e")},
            elements=row["samples"],
            extractor=_DEFAULT if row["against"] == row["method"] else row["against"],
            bits=row.get("bits", _USUAL_BITS.get(row["carrier"])),
            low=row["p_e_interval"][0],
            high=row["p_e_interval"][1],
            source=sources.get(name, ""),
        )
        for name, row in rows
        if "p_e" in row
        and row.get("method") not in (None, "sample")
        and row["detector"] not in (*CONTROLS, *PASTS)
    ]
