"""What the scheduler tests share: the program, a project folder of the test's own, views with known checksums."""

import os
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")  # files are looked at while a job writes them

import h5py
import numpy
import pytest

sys.path.insert(0, str(Path(__file__).parent))

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("HPCMANDEL", ROOT / "hpcmandel")).resolve()

SHORT = ["--size", "240x160", "--max-iter", "500"]
# Some seconds of honest work on two cores, whatever the machine's vectors.
LONG = ["--size", "1200x800", "--max-iter", "8000", "--interior", "none", "--isa", "scalar", "--checkpoint", "1"]


def clean_environment():
    """This environment without anything of ours or of a job's; where a PBS is stays."""
    place = ("PBS_CONF_FILE", "PBS_SERVER", "PBS_EXEC", "PBS_HOME")
    return {k: v for k, v in os.environ.items()
            if k in place or not k.startswith(("SLURM", "SBATCH", "PBS", "HPCMANDEL"))}


def pytest_configure():
    assert PROGRAM.exists(), f"{PROGRAM} is not built: make"


@pytest.fixture(scope="session")
def program():
    return PROGRAM


class Project:
    """A folder like the project's root: the shipped jobs/ and configs/, the program, results of its own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("jobs", "configs"):
            (self.folder / name).symlink_to(ROOT / name)
        (self.folder / "hpcmandel").symlink_to(PROGRAM)

    def __truediv__(self, name):
        return self.folder / name

    def write(self, name, text, mode=0o644):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def run(self, *command, env=None, timeout=300, cwd=None):
        """A command in this folder; the finished process with its text."""
        return subprocess.run(list(map(str, command)), cwd=cwd or self.folder, env=env or clean_environment(), text=True,
                              timeout=timeout, capture_output=True, stdin=subprocess.DEVNULL, check=False)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "project")


def rows_done(path):
    """The share of a data set's rows that are done, 0 while it cannot be read."""
    try:
        with h5py.File(path) as file:
            return float(numpy.mean(file["rows/done"][...] != 0))
    except (OSError, KeyError):
        return 0.0


def crc_of(path):
    """CRC-32 of the iterations in the file itself, which must be whole."""
    with h5py.File(path) as file:
        assert (file["rows/done"][...] == 1).all(), f"{path} is not complete"
        crc = zlib.crc32(file["iterations"][...].astype("<u4").tobytes())
        stored = file["run"].attrs["crc32"]
    stored = stored.decode() if isinstance(stored, bytes) else str(stored)
    assert int(stored, 16) == crc if re.fullmatch("[0-9a-f]{8}", stored) else int(stored) == crc
    return f"{crc:08x}"


class References:
    """Checksums of views, each computed once, by the program alone."""

    def __init__(self, folder):
        self.project = Project(folder)
        (self.project / "results").mkdir()
        self.known = {}

    def __call__(self, *options):
        key = tuple(map(str, options))
        if key not in self.known:
            output = self.project / f"{len(self.known)}.h5"
            # The fastest way: the bits are the same.
            done = self.project.run("./hpcmandel", *key, "--output", output, "--interior", "exact", "--isa", "auto",
                                    "--overwrite", timeout=300)
            assert done.returncode == 0, done.stderr
            self.known[key] = crc_of(output)
        return self.known[key]


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    return References(tmp_path_factory.mktemp("reference") / "project")


@pytest.fixture(scope="session")
def has_command():
    """Does the program have that command yet (one may be left out of a build)?"""
    text = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    return lambda name: re.search(rf"^  {name}\b", text, re.M) is not None


@pytest.fixture(scope="session")
def shellcheck():
    return shutil.which("shellcheck")
