"""Suites: which experiments, of which size.

A suite is a TOML file of the package or of the user.
"""

import json
import tomllib
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from stegafield.errors import ConfigError

from .comparison import Comparison
from .detection import Detection
from .experiment import Experiment
from .photographs import Photographs
from .resolution import Resolution
from .samples import Samples
from .schedule import Schedule
from .training import Training

_SUITES = files(__package__ or "") / "suites"


class Suite(BaseModel):
    """One config for each experiment; what a file does not mention has its defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    about: str
    photographs: Photographs = Photographs()
    comparison: Comparison = Comparison()
    detection: Detection = Detection()
    samples: Samples = Samples()
    training: Training = Training()
    schedule: Schedule = Schedule()
    resolution: Resolution = Resolution()

    @property
    def experiments(self) -> list[Experiment]:
        """In the order of the report."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value for value in values if isinstance(value, Experiment)]

    @property
    def work(self) -> list[Experiment]:
        """In the order of work: cheap experiments come first."""
        first = (self.samples, self.detection, self.photographs, self.resolution, self.schedule)
        return [*first, self.training, self.comparison]


def names() -> list[str]:
    """The suites of the package."""
    return sorted(
        p.name.removesuffix(".toml") for p in _SUITES.iterdir() if p.name.endswith(".toml")
    )


def read(source: str) -> Suite:
    """The suite of a name, of a TOML file, or of the `suite.json` of a run."""
    if source in names():
        data = (_SUITES / f"{source}.toml").read_bytes()
    elif source.endswith((".toml", ".json")):
        data = Path(source).read_bytes()
    else:
        hint = f"Suites: {', '.join(names())}; or give a .toml file, or the suite.json of a run."
        raise ConfigError("suite", f"there is no suite {source!r}.", hint)
    try:
        if source.endswith(".json"):
            return Suite.model_validate(json.loads(data)["suite"])
        return Suite.model_validate(tomllib.loads(data.decode()))
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(".".join(map(str, first["loc"])), f"{first['msg']}.") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError("suite", f"{source} is no {source[-4:].upper()}: {error}.") from None
    except (KeyError, TypeError):
        raise ConfigError("suite", f"{source} is no suite.json of a run.") from None
