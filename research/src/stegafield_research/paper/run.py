"""A run: the jobs of a suite that the journal does not hold yet, one after the other."""

from pathlib import Path
from typing import Any

from stegafield.errors import StegafieldError
from stegafield.progress import report as progress

from ..journal import Journal
from .experiment import Job, Lab
from .report import noted, remember
from .suite import Suite


def run(
    suite: Suite,
    lab: Lab,
    journal: Journal,
) -> int:
    """Measure what is not in the journal, and return how many rows that were.

    A job that fails becomes a row with `error`, and the others go on. Numbers keep six digits.
    """
    asked = {job.key: job for one in suite.work for job in one.jobs(lab)}
    jobs: list[Job] = [noted(), *asked.values()]
    remember(suite, jobs, lab.out)
    made = 0
    for number, job in enumerate(jobs):
        progress(job.told, number, len(jobs))
        if journal.done(job.inputs) is not None:
            continue
        try:
            found = job.run()
        except StegafieldError as error:
            found = {"error": str(error)}
        except FileNotFoundError as error:  # weights that are not there; the path is private
            found = {"error": f"{error.strerror}: {Path(str(error.filename)).name}"}
        journal.add(job.inputs, {name: _short(value) for name, value in found.items()})
        made += 1
    return made


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
