"""The examples of a page, run as a reader would, and the commands that a page describes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
RUNNER = """
import json, subprocess, sys
names = {"__name__": "page"}
sys.path.insert(0, "")
for number, (kind, body) in enumerate(json.load(open(sys.argv[1]))):
    if kind == "python":
        exec(compile(body, f"python block {number}", "exec"), names)
        continue
    for line in body:
        wanted = int(line.rpartition("# exit ")[2]) if "# exit " in line else 0
        quiet = dict(text=True, capture_output=True, stdin=subprocess.DEVNULL)
        done = subprocess.run(["bash", "-c", line], **quiet)
        if done.returncode != wanted:
            told = f"exit {done.returncode}, not {wanted}"
            sys.exit(f"$ {line}\\n{told}\\n{done.stdout}{done.stderr}")
"""


def run(text, folder):
    """Run the `python` blocks in one namespace and the `$` lines in a shell, in a folder."""
    blocks = list(_blocks(text))
    if not blocks:
        return
    (folder / "work").mkdir()
    (folder / "blocks.json").write_text(json.dumps(blocks))
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUNNER, str(folder / "blocks.json")],
        cwd=folder / "work",
        env=os.environ | {"PATH": tools},
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def commands(program, path=()):
    """(name, command) of every command of a program, "bench speed" for one of a group."""
    if hasattr(program, "commands"):
        for name, child in program.commands.items():
            yield from commands(child, (*path, name))
    else:
        yield " ".join(path), program


def sections(text):
    """{title: text} of the second level of a page."""
    return dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))


def _commands(body):
    """The lines of a console block that begin with "$ ", with those that a backslash continues."""
    lines, found = iter(body.splitlines()), []
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + next(lines).removeprefix("> ")
            found.append(command)
    return found


def _blocks(text):
    for kind, body in BLOCK.findall(text):
        if kind in ("python", "console"):
            yield kind, body if kind == "python" else _commands(body)
