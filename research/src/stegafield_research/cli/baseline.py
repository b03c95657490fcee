"""`stegafield train-baseline`: train the networks of a method for comparison."""

from typing import Annotated

import typer

from stegafield.cli.arguments import Device, Settings
from stegafield.cli.generate import Data, Devices, Resume, RunFolder, Steps, run_training


def train(
    config: Annotated[
        str, typer.Option(help="steganogan-dense, steganogan-basic, or a .toml file.")
    ],
    data: Data,
    out: RunFolder,
    resume: Resume = False,
    steps: Steps = None,
    settings: Settings = None,
    device: Device = "auto",
    devices: Devices = 1,
) -> None:
    """Train the networks of a baseline."""
    from ..baselines import CONFIGS, TRAININGS

    run_training(
        config,
        data,
        out,
        resume=resume,
        steps=steps,
        settings=settings,
        device=device,
        devices=devices,
        families=TRAININGS,
        folder=CONFIGS,
    )
