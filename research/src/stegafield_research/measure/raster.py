"""What one function of a model takes on a large grid, in a process of its own.

That makes the peak of memory the peak of this grid.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from stegafield.generators.distribution import FunctionDistribution

from .machine import peak_mib


def measure(model: FunctionDistribution, side: int = 4096) -> dict[str, float]:
    """What side x side points take: `peak_mib`, and `cpu_s` of all processors.

    The peak includes the interpreter, libraries and the result.
    """
    from stegafield.generators.checkpoint import save_pretrained

    with TemporaryDirectory() as folder:
        save_pretrained(model, folder)
        command = [sys.executable, "-m", __name__, folder, str(side)]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def _measured(folder: Path, side: int) -> dict[str, float]:
    import numpy as np

    from stegafield.generators.checkpoint import from_pretrained

    model, start = from_pretrained(folder), time.process_time()
    values = model.raster(model.latents(1, np.random.default_rng(0)), (side, side))
    assert np.isfinite(values).all()
    return {"peak_mib": peak_mib(), "cpu_s": time.process_time() - start}


if __name__ == "__main__":
    print(json.dumps(_measured(Path(sys.argv[1]), int(sys.argv[2]))))
