"""A run: the jobs of a suite that the journal has not yet, one after the other."""

from collections.abc import Callable
from pathlib import Path

from stegafield.errors import StegafieldError

from .experiment import Job, Lab
from .journal import Journal
from .report import noted, remember
from .suite import Suite


def run(
    suite: Suite,
    lab: Lab,
    journal: Journal,
    report: Callable[[int, int, str], None] = lambda done, total, told: None,
) -> int:
    """Measure what is not in the journal; how many rows that were. What fails is a row, too, and the others go on."""
    asked = {job.key: job for one in suite.work for job in one.jobs(lab)}
    jobs: list[Job] = [noted(), *asked.values()]
    remember(suite, jobs, lab.out)
    made = 0
    for number, job in enumerate(jobs):
        report(number, len(jobs), job.told)
        if job.inputs in journal:
            continue
        try:
            found = job.run()
        except StegafieldError as error:
            found = {"error": str(error)}
        except (
            FileNotFoundError
        ) as error:  # weights that are not there; the path is nobody's business
            found = {"error": f"{error.strerror}: {Path(str(error.filename)).name}"}
        journal.add(job.inputs, found)
        made += 1
    report(len(jobs), len(jobs), "")
    return made
