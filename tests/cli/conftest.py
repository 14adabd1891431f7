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


def hpcmandel(*args, ranks=None, hosts=None, timeout=300, cwd=None, env=None, program=PROGRAM):
    """Runs the program: directly when `ranks` is None, else under mpirun; never longer than `timeout` seconds."""
    command = [str(program), *map(str, args)]
    if ranks is not None:
        launch = [MPIRUN]
        if hosts:
            launch += ["-hosts", hosts, "-launcher", "fork"]
        command = [*launch, "-np", str(ranks), *command]
    command = ["timeout", "-k", "5", str(timeout), *command]
    done = subprocess.run(
        command, cwd=cwd or ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, errors="surrogateescape", timeout=timeout + 20, check=False)
    assert done.returncode not in (124, 137), f"hung: {command}\n{done.stdout}\n{done.stderr}"
    return Result(done.returncode, done.stdout, done.stderr)


def together(lines, *, cwd, **options):
    """A Result for each of these command lines (with the command's name), run one after the other by ranks that are started
    once: so many that to start and end them takes far longer than what they do."""
    path = cwd / "lines.txt"
    path.write_text("".join("\t".join(map(str, line)) + "\n" for line in lines))
    done = hpcmandel(path, cwd=cwd, program=ROOT / os.environ.get("BUILD", "build") / "tests/commands", **options)
    parts = re.split(r"^exit (\d+)\n", done.out, flags=re.M)
    assert len(parts) == 2 * len(lines) + 1, f"exit {done.code}\n{done.out}\n{done.err}"
    return [Result(int(code), out, done.err) for out, code in zip(parts[0::2], parts[1::2])]


@pytest.fixture
def run(tmp_path):
    """hpcmandel() in an empty folder of the test's own."""

    def run_here(*args, **options):
        options.setdefault("cwd", tmp_path)
        return hpcmandel(*args, **options)

    return run_here
