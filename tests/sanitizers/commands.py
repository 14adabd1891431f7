"""Every command of the program that was made with AddressSanitizer and UndefinedBehaviorSanitizer, on small views."""

import os

import pytest

from conftest import ROOT, STRATEGIES, hpcmandel

PROGRAM = ROOT / "build-asan" / "hpcmandel"
VIEW = ("--size", "61x47", "--max-iter", 300)
CHANNELS = ("--channels", "iterations,smooth,distance,period")
# What MPI does not give back is not ours; a sanitizer that finds something ends the program with a code that is no code of ours.
ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1", "HWLOC_PLUGINS_PATH": os.devnull,
               "HPCMANDEL_SHARE": "/nonexistent"}


@pytest.fixture(scope="module", params=(1, 2))
def run(request, tmp_path_factory):
    """Runs the program in a folder that a number of ranks has to itself."""
    folder = tmp_path_factory.mktemp(f"ranks{request.param}")

    def run_here(*arguments, code=0):
        result = hpcmandel(*arguments, ranks=request.param, cwd=folder, env=ENVIRONMENT, program=PROGRAM)
        story = f"{arguments}: exit {result.code}\n{result.out}\n{result.err}"
        assert result.code == code and "Sanitizer" not in result.err and "runtime error" not in result.err, story
        return result

    run_here("render", *VIEW, *CHANNELS, "--output", "a.h5", "--stats", "a.json", "--trace", "a.trace", "--png", "a.png", "--threads", 2)
    return run_here


@pytest.mark.parametrize("io", ("independent", "collective", "funnel"))
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_render(run, strategy, io):
    run("render", *VIEW, *CHANNELS, "--strategy", strategy, "--io", io, "--output", "s.h5", "--overwrite")
    run("compare", "a.h5", "s.h5")


@pytest.mark.parametrize("options", (
    ("--julia=-0.8,0.156", "--center", "0,0"), ("--center=-0.75,0.1", "--span", "1e-9", "--arith", "fma"), ("--isa", "scalar"),
    ("--region=-2.13:0.77,1.3:-1.3", "--coords", "accumulated"), ("--interior", "none", "--band", 1, "--portion", "factoring"),
    ("--strategy", "pool", "--idle-coordinator", "--portion", "guided"), ("--checkpoint", 0, "--alignment", 65536, "--hint", "cb_nodes=1"),
    ("--center=-1.7548776662466927,0", "--span", "2.5e-30"), ("--size", "1x1"), ("--size", "4097x3"), ("--size", "3x1025")))
def test_ways_to_render(run, options):
    run(*VIEW, *CHANNELS, *options, "--output", "w.h5", "--overwrite", "--quiet")


def test_resume(run):
    run(*VIEW, "--max-iter", 100000000, "--interior", "none", "--time-limit", 0.2, "--output", "r.h5", code=75)
    run(*VIEW, "--max-iter", 100000000, "--interior", "none", "--time-limit", 0.2, "--output", "r.h5", "--resume", code=75)
    run(*VIEW, "--output", "r.h5", "--resume", code=65)
    run("check", "r.h5")
    run("export", "r.h5", "--png", "r.png")
    run("a.h5", code=64)
    run(*VIEW, *CHANNELS, "--output", "a.h5", code=73)
    run(*VIEW, *CHANNELS, "--output", "a.h5", "--resume", "--png", "b.png")


@pytest.mark.parametrize("line", (
    "analyze a.h5 --json j --csv c", "analyze a.h5 --append --top 3", "analyze a.h5 --find period==3&&inside --limit 4",
    "export a.h5 --xdmf x.xdmf", "export a.h5 --png e.png --tone equalized --relief --ranks --palette viridis", "export a.h5 --png s.png --scale 1/3",
    "export a.h5 --png p.png --region=-1:0,0.5:-0.5", "export a.h5 --dzi tiles --no-page", "export a.h5 a.h5 --frames frame-%d.png",
    "export a.h5 --compress z.h5 --overwrite", "check", "check a.h5", "plan --size 61x47 --nodes 2 --ranks-per-node 3 --measure 0.05",
    "plan a.h5 --json --measure 0.05", "report a.h5 --html page.html --trace a.trace", "bench kernel --scene seahorse --repetitions 1 --seconds 0.001",
    "bench io --megabytes 2 --repetitions 1", "compare a.h5 a.h5 --json j --png d.png",
    "--help", "--version", "render --strategy help"))
def test_commands(run, line):
    run(*line.split())


def test_without_petsc(run):
    run("potential", "a.h5", code=69)
