"""tools/rooms.py and the runner: they must be able to say no."""

import importlib.machinery
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import time
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
    ("x: 9 passed, 1 failed\n5 passed in 0.10s", (5, 0)),
    ("5 passed in 0.10s\nx: 3 passed, 1 failed\n", (3, 1)),
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
    tests.command("it", ["bash", "-c", script], 1 if "sleep" in script else 300)
    tests.run()
    assert (tests.passed, tests.failed) == (passed, failed)


def test_a_program_that_is_not_there_fails(runner):
    tests = runner.Tests()
    tests.command("it", ["/nonexistent/test"], 300)
    tests.run()
    assert (tests.passed, tests.failed) == (0, 1)


def test_a_stage_without_programs_fails(runner, capsys):
    tests = runner.Tests()
    tests.stage("nothing")
    tests.run(2)
    assert (tests.passed, tests.failed) == (0, 1)
    assert "there was nothing to run" in capsys.readouterr().out


COUNTS = "echo it: 1 passed, 0 failed"


def taken_down(runner, folder, at_once):
    """Programs that say when they begin and end, of three stages. Those that are begun together end when all have begun."""
    tests = runner.Tests()

    def program(name, others, **when):
        met = f"until [ $(grep -c ^+ log) -ge {others} ]; do sleep 0.02; done; sleep 0.1"
        script = f"echo +{name} >>log; {met}; echo -{name} >>log; echo the output of {name}; {COUNTS}; false"
        return tests.command(name, ["bash", "-c", f"cd {folder}; {script}"], 300, **when)

    tests.stage("one")
    first = program("p", at_once)
    program("q", 0, alone=True)
    tests.stage("two")
    program("r", 0, after=first)
    program("s", at_once)
    tests.note("a note")
    tests.stage("three")
    program("t", at_once, early=True)
    return tests


@pytest.mark.parametrize("at_once", (1, 2, 3))
def test_programs_side_by_side(runner, tmp_path, capsys, at_once):
    """At most so many at once, one alone, one after another; reported whole and in order all the same."""
    tests = taken_down(runner, tmp_path, at_once)
    tests.run(at_once)
    log = (tmp_path / "log").read_text().split()
    running, most = set(), 0
    for line in log:
        running = running | {line[1]} if line[0] == "+" else running - {line[1]}
        most = max(most, len(running))
        assert "q" not in running or len(running) == 1, log
    assert most == at_once, log
    assert log.index("-p") < log.index("+r")
    if at_once == 1:
        assert log == [f"{sign}{name}" for name in "pqrst" for sign in "+-"]
    else:
        assert "+t" in log[:at_once] and log[-1] == "-q", log  # those begun together come in any order
    assert (tests.passed, tests.failed) == (5, 5)
    text = capsys.readouterr().out
    marks = re.findall(r"^== (\w+)$|^FAILED (\w)|^(a note)$|^the output of (\w)$", text, re.M)
    assert ["".join(mark) for mark in marks] == ["one", *"ppqq", "two", *"rrss", "a note", "three", *"tt"]


def runs(pid):
    """Is there such a process, and is it more than one that nobody has waited for?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_an_interrupted_runner_leaves_nothing_behind(tmp_path, number):
    script = (f"import importlib.machinery, signal, sys\n"
              f"runner = importlib.machinery.SourceFileLoader('runner', {str(ROOT / 'tests/run')!r}).load_module()\n"
              f"runner.stages = lambda: {{'x': lambda tests: [tests.command(str(i), ['bash', '-c', "
              f"f'echo $$ >{tmp_path}/{{i}}; sleep 600'], 700) for i in range(2)]}}\n"
              f"sys.exit(runner.main([]))\n")
    process = subprocess.Popen(["/usr/bin/python3", "-W", "ignore", "-c", script], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env={**os.environ, "JOBS": "2", "PYTHONDONTWRITEBYTECODE": "1"})
    until = time.monotonic() + 300
    while not all((tmp_path / name).exists() and (tmp_path / name).read_text() for name in "01"):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(300) != 0
    for name in "01":
        assert not runs((tmp_path / name).read_text().strip())


def test_unknown_stages_are_refused(runner):
    assert runner.main(["no-such-stage"]) == 64


def test_a_file_is_a_stage_of_its_own(runner):
    assert {"slurm", "pbs", "readme"} <= set(runner.parts())
    assert not set(runner.parts()) & set(runner.stages())
