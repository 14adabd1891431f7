"""tools/rooms.py and the runner: they must be able to say no."""

import importlib.machinery
import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("file, include, wrong", [
    ("src/base/x.c", '"hm_error.h"', False),
    ("src/base/x.c", '"hm_kernel.h"', True),
    ("src/base/x.c", "<mpi.h>", True),
    ("src/cluster/x.c", '"hm_dataset.h"', True),
    ("src/cluster/strategies/x.c", '"hm_kernel.h"', True),
    ("src/cluster/x.c", "<mpi.h>", False),
    ("src/plane/x.c", "<hdf5.h>", True),
    ("src/store/x.c", '"hm_grid.h"', False),
    ("src/commands/x.c", '"hm_dataset.h"', False),
    ("src/view/x.c", '"../store/layout.h"', False),
    ("src/store/x.c", '"../view/palette.h"', True),
    ("src/elsewhere/x.c", "<stdio.h>", True),
    ("include/hm_nowhere.h", "<stdio.h>", True),
])
def test_includes_go_one_way(tmp_path, file, include, wrong):
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/rooms.py", tmp_path / "tools")
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(f"#include {include}\n")
    done = subprocess.run(["/usr/bin/python3", tmp_path / "tools/rooms.py"], capture_output=True, text=True, check=False)
    assert done.returncode == (1 if wrong else 0), done.stdout
    assert (file in done.stdout) == wrong


@pytest.fixture(name="runner")
def load_runner():
    loader = importlib.machinery.SourceFileLoader("runner", str(ROOT / "tests/run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("runner", loader))
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("text, expected", [
    ("x: 3 passed, 0 failed", (3, 0)),
    ("1 passed, 1 failed\nmore\nx: 3 passed, 2 failed\n", (3, 2)),
    ("5 passed in 0.10s", (5, 0)),
    ("1 failed, 2 passed, 1 skipped, 3 errors in 61.20s (0:01:01)", (2, 4)),
    ("2 skipped in 0.10s", (0, 0)),
    ("Segmentation fault", None),
])
def test_counts(runner, text, expected):
    assert runner.counts(text) == expected


def test_reasons(runner):
    text = "SKIPPED [2] tests/a.py:3: no b\nSKIPPED c: why\nSKIPPED [1] tests/a.py:9: no b\n2 passed, 3 skipped in 0.10s\n"
    assert runner.reasons(text) == ["[3] no b", "c: why"]


@pytest.mark.parametrize("script, passed, failed", [
    ("echo x: 2 passed, 0 failed", 2, 0),
    ("echo x: 2 passed, 1 failed; exit 1", 2, 1),
    ("echo x: 2 passed, 0 failed; exit 139", 2, 1),  # crashed after counting
    ("echo x: 2 passed, 1 failed", 2, 1),            # said it and forgot the status
    ("true", 0, 1),                                  # counted nothing
    ("echo x: 0 passed, 0 failed", 0, 1),
    ("sleep 60", 0, 1),
])
def test_a_program_fails_when_it_should(runner, script, passed, failed):
    tests = runner.Tests()
    tests.command("it", ["bash", "-c", script], 1 if "sleep" in script else 20)
    assert (tests.passed, tests.failed) == (passed, failed)


def test_a_program_that_is_not_there_fails(runner):
    tests = runner.Tests()
    tests.command("it", ["/nonexistent/test"], 20)
    assert (tests.passed, tests.failed) == (0, 1)


def test_unknown_stages_are_refused(runner):
    assert runner.main(["no-such-stage"]) == 64


def test_a_file_is_a_stage_of_its_own(runner):
    assert {"slurm", "pbs", "readme"} <= set(runner.parts())
    assert not set(runner.parts()) & set(runner.stages())
