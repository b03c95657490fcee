"""Table 1: quality on photographs.

Ours at their whole size, the paper's procedure on their central parts.
"""

from collections.abc import Iterator

from pydantic import Field

from ..journal import Journal, Row
from . import covers
from .document import PROSE, Block, Heading, Line, Table, Text
from .experiment import Experiment, Job, Lab
from .published import NUMBERS, PAPER
from .tables import accepted, spread


class Photographs(Experiment):
    """How many photographs, and how large a part the paper's procedure gets."""

    whole: int = Field(default=12, ge=0)
    """Photographs at their whole size, for contestants that do not optimise."""
    cut: int = Field(default=1, ge=0)
    """Photographs whose central part contestants get that optimise."""
    crop: tuple[int, int] = (64, 64)
    rates: tuple[float, ...] = (1,)

    def jobs(self, lab: Lab) -> Iterator[Job]:
        """Ours on whole photographs, then the paper's procedure on parts."""
        sources = covers.photographs(lab.photos)
        ours = [who for who in lab.contestants if who.role == "ours"]
        for name, path in covers.spread(sources, self.whole):
            for whole in covers.colours([covers.photograph(lab.carrier, name, path)]):
                for who in ours:
                    yield from lab.embeddings(who, [whole], self.rates)
        parts = lab.subjects(0, self.cut, self.crop)
        for who in (who for who in lab.contestants if who.role in ("paper", "ours")):
            yield from lab.embeddings(who, parts, self.rates)

    def show(self, rows: Journal) -> Iterator[Block]:
        """The table: what the paper states, its procedure on parts, ours whole and on the parts."""
        found = [row for row in rows.rows("embedding") if row["kind"] == "photographs"]
        found = [row for row in found if row["role"] != "variant" and "error" not in row]
        found = [row for row in found if row["bpp"] in self.rates]
        whole = [row for row in found if row.get("whole")]
        parts = [r for r in found if not r.get("whole") and tuple(r["size"]) == self.crop]
        names = sorted({row["cover"] for row in whole})
        yield Heading("Table 1: quality on photographs")
        shown = ", ".join(names[:8]) + (" and others" if len(names) > 8 else "")
        crop = "x".join(map(str, self.crop))
        cut = len({row["cover"] for row in parts if row["role"] == "paper"})
        holes = {"count": len(names), "names": shown or "none", "crop": crop, "cut": cut}
        yield Text(PROSE.paragraph("photographs", **holes))
        lines = [
            self._stated(data) for data in dict.fromkeys(n.data for n in NUMBERS if n.table == 1)
        ]
        lines += self._lines(parts, f"central {crop}", ("paper", "ours"))
        lines += self._lines(whole, "whole", ("ours",))
        columns = (
            "method",
            "photographs",
            "bpp",
            "counted on",
            "files",
            "BER, %",
            "PSNR, dB",
            "SSIM",
        )
        yield Table(columns, tuple(lines))

    def _stated(self, data: str) -> Line:
        of = {one.quantity: one.value for one in NUMBERS if (one.table, one.data) == (1, data)}
        cells = ("not stated here", "floats", "", "", f"{of['psnr']:.2f}", f"{of['ssim']:.2f}")
        return Line((f"{PAPER}: the paper says", data, *cells), "paper")

    def _lines(self, found: list[Row], size: str, roles: tuple[str, ...]) -> Iterator[Line]:
        named = {row["method"]: row["role"] for row in found if row["role"] in roles}
        for method, role in sorted(named.items(), key=lambda one: roles.index(one[1])):
            for rate in self.rates:
                runs = accepted(r for r in found if (r["method"], r["bpp"]) == (method, rate))
                if not runs:
                    continue
                cells = (
                    *(spread((100 * row["ber"] for row in runs), "{:.2f}"),),
                    spread((row["psnr"] for row in runs), "{:.2f}"),
                    spread((row["ssim"] for row in runs), "{:.4f}"),
                )
                label = (method, size, f"{rate:g}", "file", str(len(runs)))
                yield Line((*label, *cells), "ours" if role == "ours" else "")
