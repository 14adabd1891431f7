"""What every command-line test shares: run the program as a user would, and read its summary."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("HPCMANDEL", ROOT / "hpcmandel"))
MPIRUN = os.environ.get("MPIRUN") or shutil.which("mpirun.mpich") or "mpirun"

STRATEGIES = ("block", "cyclic", "pipeline", "pool", "counter", "hier", "predict")


@dataclass
class Result:
    """One finished run."""

    code: int
    out: str
    err: str

    @property
    def summary(self):
        """The `key value` lines of standard output; whole numbers as int."""
        found = {}
        for key, value in re.findall(r"^(\w+) (.*)$", self.out, re.M):
            found[key] = int(value) if re.fullmatch(r"\d+", value) and key != "crc32" else value
        return found

    def ok(self):
        """This result, when the run succeeded; else the test fails and shows what it said."""
        assert self.code == 0, f"exit {self.code}\n{self.out}\n{self.err}"
        return self


def hpcmandel(*args, ranks=None, hosts=None, timeout=120, cwd=None, env=None):
    """Runs the program: directly when `ranks` is None, else under mpirun; never longer than `timeout` seconds."""
    command = [str(PROGRAM), *map(str, args)]
    if ranks is not None:
        launch = [MPIRUN]
        if hosts:
            launch += ["-hosts", hosts, "-launcher", "fork"]
        command = [*launch, "-np", str(ranks), *command]
    command = ["timeout", "-k", "5", str(timeout), *command]
    done = subprocess.run(
        command, cwd=cwd or ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=timeout + 20, check=False)
    assert done.returncode not in (124, 137), f"hung: {command}\n{done.stdout}\n{done.stderr}"
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def run(tmp_path):
    """hpcmandel() in an empty folder of the test's own."""

    def run_here(*args, **options):
        options.setdefault("cwd", tmp_path)
        return hpcmandel(*args, **options)

    return run_here
