"""Many commands, each in a process of its own that is forked from one with all imports."""

import json
import subprocess
import sys
from pathlib import Path

SERVER = """
import json, os, sys, tempfile
import numpy, PIL.Image
import stegafield.cli.commands, stegafield.figures.stego, stegafield.plugins.wiring
from stegafield import Engine
from stegafield.cli import main

Engine().hide(b"m", carrier="era5", size=(19, 36))
for line in sys.stdin:
    words, folder = json.loads(line)
    out, error = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out.fileno(), 1)
        os.dup2(error.fileno(), 2)
        sys.stdin = open(0, closefd=False)
        sys.argv = ["stegafield", *words]
        os.chdir(folder)
        code = 1
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        except BaseException:
            import traceback
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    found = []
    for file in (out, error):
        file.seek(0)
        found.append(file.read().decode("latin-1"))
    print(json.dumps([code, *found]), flush=True)
"""


class Forked:
    """Runs commands in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._server = subprocess.Popen([sys.executable, "-c", SERVER], **pipes)

    def __call__(self, *words, code=0):
        """What a command writes to standard output and standard error; its exit code is checked."""
        self._server.stdin.write(json.dumps([list(map(str, words)), str(self.folder)]) + "\n")
        self._server.stdin.flush()
        found, out, said = json.loads(self._server.stdout.readline())
        said = said.encode("latin-1").decode()
        assert found == code and "Traceback" not in said, (found, out[:300], said)
        return out.encode("latin-1"), said

    def close(self):
        """End the process that forks."""
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()
