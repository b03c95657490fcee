"""The commands `bench`, `paper` and `train-baseline`: each is a `typer.Typer` of an entry point.

`stegafield --help` loads this module, so it imports nothing that is slow.
"""

import typer

from stegafield.cli.program import Variadic

from .baseline import train
from .detection import detect
from .field import files
from .generators import generators
from .made import report, risk
from .paper import measure
from .quality import curve, fidelity, fit, law, optimizers
from .speed import speed, throughput

bench = typer.Typer(no_args_is_help=True, add_completion=False, help="Measure.")
for _command in (fidelity, optimizers, law, curve, fit, speed, throughput, generators, detect):
    bench.command(cls=Variadic)(_command)
for _command in (files, report, risk):
    bench.command()(_command)

paper = typer.Typer(add_completion=False)
paper.command()(measure)

train_baseline = typer.Typer(add_completion=False)
train_baseline.command(cls=Variadic)(train)
