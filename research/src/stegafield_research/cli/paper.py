"""`stegafield paper`: the tables and figures of the paper, measured again beside ours."""

from pathlib import Path
from typing import Annotated

import typer

from stegafield.cli.arguments import Device
from stegafield.cli.program import err
from stegafield.cli.waiting import busy
from stegafield.errors import ConfigError


def measure(
    out: Annotated[Path, typer.Option(help="Folder of the run and its report.")],
    quick: Annotated[bool, typer.Option("--quick", help="Five minutes on two cores.")] = False,
    full: Annotated[bool, typer.Option("--full", help="A night, or a graphics card.")] = False,
    suite: Annotated[
        str | None, typer.Option(help="A suite of your own as a .toml file, or a run's suite.json.")
    ] = None,
    photos: Annotated[Path | None, typer.Option(help="Folder of your photographs.")] = None,
    data: Annotated[Path | None, typer.Option(help="Faces to train generators on.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    device: Device = "auto",
) -> None:
    """Measure each table and figure of the paper (arXiv 2406.01918), with ours beside it."""
    from stegafield.extras import need

    if quick + full + (suite is not None) > 1:
        raise ConfigError("suite", "--quick, --full and --suite exclude each other.")
    need("torch", "torch")
    need("matplotlib", "plots")
    from ..journal import Journal
    from ..pages.summary import understood
    from ..paper import report, run
    from ..paper import suite as suites
    from ..paper.experiment import Lab

    named = "quick" if quick else "full" if full else "evening"
    chosen = suites.read(suite if suite is not None else named)
    if (out / report.ROWS).exists() and not resume:
        raise ConfigError(
            "out", f"there is a run in {out}.", "Go on with --resume, or name another."
        )
    out.mkdir(parents=True, exist_ok=True)
    lab = Lab.open(device, out, photos, data)
    journal = Journal(out / report.ROWS)
    with busy("measuring"):
        try:
            made = run.run(chosen, lab, journal)
        except KeyboardInterrupt:
            report.write(journal, out)
            raise
    with busy("writing the report"), understood(out):
        written = report.write(journal, out)
    err.print(
        f"{made} new measurements; the report is {' and '.join(map(str, written))}", markup=False
    )
