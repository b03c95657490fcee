"""`stegafield detect`: the opinion of detectors."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ..progress import report as progress
from .arguments import AsJson
from .edge import print_rows
from .program import err
from .waiting import busy

Detectors = Annotated[
    list[str] | None, typer.Option("--detector", help="Methods, one or more; `plugins` lists them.")
]


def detect(
    files: Annotated[list[Path], typer.Argument(help="Files of any installed format.")],
    detector: Detectors = None,
    model: Annotated[
        list[Path] | None,
        typer.Option(help="Trained detectors, as `bench detect --models` writes them."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the scores of detectors: higher is more likely stego.

    Those above their own threshold are named. A detector gives no score to what it does not judge:
    another geometry, or another number of bits. Where none does, a sentence says so.
    """
    from ..pipeline.warden import load
    from ..plugins.discovery import registry

    known = registry()
    chosen = [load(known, path) for path in model or ()]
    if detector or not chosen:
        chosen += _untrained(detector)
    rows, told = list[dict[str, Any]](), list[str]()
    with busy("detecting"):
        for number, path in enumerate(files):
            progress(path.name, number, len(files))
            here = list(_scores(path, chosen))
            rows += here
            if not here:
                told.append(f"{path.name}: it holds nothing that could carry a message")
            for row in here:
                if all(row[one.name] is None for one in chosen):
                    told.append(_unjudged(row["file"], chosen))
    for sentence in told:
        err.print(sentence, markup=False)
    print_rows(rows if as_json else [_marked(row, chosen) for row in rows], as_json)


def _scores(path: Path, detectors: list[Any]) -> Iterator[dict[str, Any]]:
    """A row for each cover in a file."""
    from ..core.artefact import size_of
    from ..core.channel import worth
    from ..core.cover import depth
    from ..core.detector import judged
    from ..pipeline.candidates import candidates
    from ..pipeline.warden import visible
    from ..plugins.discovery import registry

    for cover in candidates(registry(), path):
        variable = getattr(cover.container, "variable", None)
        row: dict[str, Any] = {"file": path.name if variable is None else f"{path.name}:{variable}"}
        worth(cover.codes.size, size_of(path))
        codes = visible(cover, cover.codes)
        for one in detectors:
            row[one.name] = judged(one, cover.spec, codes, depth(cover))
        row["stego"] = [
            one.name
            for one in detectors
            if None not in (one.threshold, row[one.name]) and row[one.name] > one.threshold
        ]
        yield row


def _unjudged(name: str, detectors: list[Any]) -> str:
    """That no detector has an opinion, and which would."""
    looked = ", ".join(one.name for one in detectors) or "none"
    hint = "one that was trained on such files judges it: --model FILE, made by `bench detect`"
    return f"{name}: no detector here judges this kind of file (looked: {looked}); {hint}"


def _marked(row: dict[str, Any], detectors: list[Any]) -> dict[str, Any]:
    scores = {one.name: row[one.name] for one in detectors}
    marks = {name: "" if score is None else f"{score:.3f}" for name, score in scores.items()}
    return {"file": row["file"], **marks, "stego, say": row["stego"]}


def _untrained(names: list[str] | None) -> list[Any]:
    """Detectors that have an opinion as they are: those named, or all that need no training."""
    from ..core.blame import entering
    from ..core.detector import TrainedDetector
    from ..plugins.discovery import registry

    found = (
        [registry().get("detector", name) for name in names]
        if names
        else registry().all("detector")
    )
    for one in found if names else ():
        if issubclass(one, TrainedDetector):
            raise one().untrained()
    chosen = []
    for one in found:
        if not issubclass(one, TrainedDetector):
            with entering(one):
                chosen.append(one())
    return chosen
