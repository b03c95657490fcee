"""The figures of the report, drawn with matplotlib into PNG files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from numpy import ndarray

from stegafield.extras import need

from .published import PAPER, known
from .tables import Measured

OURS, THEIRS = "#1b7f4b", ("#b5482a", "#d9912c")
OTHERS = (
    *("#4c6fb1", "#7b5ea7", "#3a9aa8", "#8a8f98", "#c2569b"),
    *("#6b4f3a", "#9aa53a", "#2f3b6e", "#d08a8a", "#55b0e0"),
)
_DPI = 130


def figure(width: float = 8.0, height: float = 4.2) -> Any:
    """An empty figure."""
    need("matplotlib", "plots")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(drawn: Any, path: Path) -> None:
    """Write it as PNG, with nothing in it that tells when and by what."""
    drawn.savefig(path, dpi=_DPI, metadata={"Software": None})


def quality(every: Sequence[Measured], path: Path) -> None:
    """PSNR against bits per pixel, a panel for each kind of cover."""
    drawn = figure(9.5, 4.4)
    panels = drawn.subplots(1, max(1, len(every)), sharey=True, squeeze=False)[0]
    for panel, measured in zip(panels, every, strict=False):
        others = iter(OTHERS * 3)
        theirs = iter(THEIRS * 3)
        for method, role in measured.methods:
            points = {
                bpp: [row["psnr"] for row in measured.of(method, bpp, every=True)]
                for bpp in measured.rates
            }
            points = {bpp: values for bpp, values in points.items() if values}
            if role == "paper":
                colour = next(theirs)
                flat = [(bpp, value) for bpp, values in points.items() for value in values]
                panel.plot(
                    *zip(*flat, strict=True), "o", ms=4, alpha=0.6, color=colour, label=method
                )
                continue
            colour, width = (OURS, 2.2) if role == "ours" else (next(others), 1.0)
            middle = {bpp: median(values) for bpp, values in points.items()}
            style = "s-" if role == "ours" else ".--"
            label = f"{method} (phase, project)" if role == "ours" else method
            panel.plot(
                list(middle), list(middle.values()), style, lw=width, color=colour, label=label
            )
        stated = {
            bpp: value for bpp, value in known("psnr", PAPER).items() if bpp in measured.rates
        }
        panel.plot(list(stated), list(stated.values()), "kx", ms=8, mew=2, label="the paper says")
        panel.set(title=measured.kind, xlabel="bits per pixel", xticks=list(measured.rates))
        panel.grid(alpha=0.25)
    panels[0].set_ylabel("PSNR, dB")
    drawn.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    save(drawn, path)


def curves(
    lines: Mapping[str, Mapping[float, float]],
    path: Path,
    *,
    x: str,
    y: str,
    log: str = "",
    title: str = "",
) -> None:
    """One line for each name: {x: y}. `log` names the axes that are logarithmic, as in "xy"."""
    drawn = figure()
    panel = drawn.subplots()
    for (name, points), colour in zip(lines.items(), [*THEIRS, OURS, *OTHERS] * 4, strict=False):
        panel.plot(list(points), list(points.values()), "o-", ms=4, color=colour, label=name)
    panel.set(xlabel=x, ylabel=y, title=title)
    if "x" in log:
        panel.set_xscale("log")
    if "y" in log:
        panel.set_yscale("log")
    panel.grid(alpha=0.25, which="both")
    if len(lines) > 1:
        panel.legend(fontsize=8)
    save(drawn, path)


def sheet(
    rows: Mapping[str, Sequence[tuple[str, ndarray]]], path: Path, *, size: float = 1.7
) -> None:
    """Rows of pictures, each with its title.

    Arrays of (y, x, 3) in 0 to 255, or of (y, x) in colours.
    """
    if not rows:  # of a run that goes on in another folder
        drawn = figure(size, size)
        drawn.text(0.5, 0.5, "its pictures are not here", ha="center")
        return save(drawn, path)
    across = max(len(row) for row in rows.values())
    drawn = figure(size * across + 0.4, (size + 0.35) * len(rows))
    panels = drawn.subplots(len(rows), across, squeeze=False)
    for line, (name, row) in zip(panels, rows.items(), strict=True):
        for panel in line:
            panel.set(xticks=[], yticks=[])
            panel.set_frame_on(False)
        for panel, (title, pixels) in zip(line, row, strict=False):
            flat = {"cmap": "turbo", "aspect": "auto"} if pixels.ndim == 2 else {}
            panel.imshow(pixels, interpolation="nearest", **flat)
            panel.set_title(title, fontsize=9)
        line[0].set_ylabel(name, fontsize=9)
    save(drawn, path)
