"""The data of a finished file are the same for every strategy, rank count, thread count, instruction set and band size."""

import subprocess

import pytest

from conftest import PROGRAM, STRATEGIES, together

# An odd size, rows of very different cost, both sides of the boundary.
VIEW = ["--center=-0.7436,0.1318", "--span", "0.02", "--size", "157x113", "--max-iter", "700"]
SHORT = ["--size", "97x3", "--max-iter", "200"]


def usable_isas():
    out = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    line = next(line for line in out.splitlines() if line.startswith("kernels"))
    return line.replace(" (not usable here)", "-").split()[1:]


ISAS = [isa for isa in usable_isas() if not isa.endswith("-")]


def figures(result):
    summary = result.ok().summary
    return summary["crc32"], summary["sum"], summary["inside"]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The scalar kernel, every update really done, one rank, rows in order."""
    folder = tmp_path_factory.mktemp("reference")
    found = {}
    for name, view in (("view", VIEW), ("short", SHORT)):
        done = subprocess.run(
            [PROGRAM, *view, "--isa", "scalar", "--interior", "none", "--strategy", "block", "--output",
             f"{name}.h5"], cwd=folder, capture_output=True, text=True, check=True, timeout=300)
        words = dict(line.split(" ", 1) for line in done.stdout.splitlines())
        found[name] = (words["crc32"], int(words["sum"]), int(words["inside"]))
    return found


# On this machine as it is, and on emulated nodes, uneven where that can be.
NODES = {1: (None,), 2: (None, "a:1,b:1"), 3: (None, "a:1,b:2", "a:1,b:1,c:1"), 5: (None, "a:2,b:3", "a:3,b:1,c:1"),
         8: (None, "a:3,b:5", "a:4,b:3,c:1")}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("ranks,hosts", [(ranks, hosts) for ranks, found in NODES.items() for hosts in found])
@pytest.mark.parametrize("threads", (1, 2))
def test_strategies_ranks_nodes_threads(run, reference, strategy, ranks, hosts, threads):
    result = run(*VIEW, "--strategy", strategy, "--band", "5", "--threads", threads, ranks=ranks, hosts=hosts)
    assert figures(result) == reference["view"]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("ranks", (5, 8))
def test_more_ranks_than_rows(run, reference, strategy, ranks):
    assert figures(run(*SHORT, "--strategy", strategy, ranks=ranks)) == reference["short"]


@pytest.fixture(scope="module", params=(None, "a:30,b:34", "a:40,b:20,c:4"))
def crowd(request, tmp_path_factory):
    """Results of 64 ranks on these nodes, by strategy and threads: started once, as that takes seconds."""
    folder = tmp_path_factory.mktemp("crowd")
    cases = [(strategy, threads) for strategy in STRATEGIES for threads in (1, 2)]
    lines = [("render", *VIEW, "--strategy", strategy, "--threads", threads, "--output", f"{strategy}-{threads}.h5")
             for strategy, threads in cases]
    return dict(zip(cases, together(lines, cwd=folder, ranks=64, hosts=request.param, timeout=900)))


@pytest.mark.parametrize("threads", (1, 2))
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_64_ranks(crowd, reference, strategy, threads):
    result = crowd[strategy, threads]
    assert f"ranks 64 x {threads} thread" in result.out
    assert figures(result) == reference["view"]


def test_64_ranks_and_three_rows(run, reference):
    assert figures(run(*SHORT, ranks=64, timeout=600)) == reference["short"]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("interior", ("exact", "none"))
def test_isa_and_interior(run, reference, isa, interior):
    assert figures(run(*VIEW, "--isa", isa, "--interior", interior)) == reference["view"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_threads_that_divide_no_band(run, reference, strategy):
    assert figures(run(*VIEW, "--strategy", strategy, "--threads", 3, ranks=2)) == reference["view"]


@pytest.mark.parametrize("band", ("1", "7", "112", "113", "5000", "auto"))
def test_bands(run, reference, band):
    assert figures(run(*VIEW, "--band", band, ranks=2)) == reference["view"]


@pytest.mark.parametrize("io", ("collective", "funnel"))
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("hosts,ranks", ((None, 1), (None, 3), ("a:2,b:3", 5)))
def test_ways_to_the_file(run, reference, io, strategy, hosts, ranks):
    result = run(*VIEW, "--strategy", strategy, "--io", io, "--band", "3", ranks=ranks, hosts=hosts)
    assert figures(result) == reference["view"]


@pytest.mark.parametrize("portion", ("fixed", "guided", "factoring"))
@pytest.mark.parametrize("strategy", ("pool", "counter", "hier"))
def test_portions(run, reference, portion, strategy):
    result = run(*VIEW, "--strategy", strategy, "--portion", portion, "--band", "2", ranks=3)
    assert figures(result) == reference["view"]


@pytest.mark.skipif(len(ISAS) < 2, reason="this machine runs one kernel only")
def test_ranks_of_different_isas(tmp_path, reference):
    """mpirun's colon syntax: one run, ranks of different kernels."""
    from conftest import MPIRUN
    common = [str(PROGRAM), *VIEW, "--output", "mixed.h5"]
    done = subprocess.run(
        ["timeout", "-k", "5", "300", MPIRUN, "-np", "1", *common, "--isa", "scalar", ":", "-np", "2", *common,
         "--isa", ISAS[-1]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"crc32 {reference['view'][0]}" in done.stdout


def test_ranks_of_different_views_are_refused(tmp_path):
    from conftest import MPIRUN
    common = [str(PROGRAM), *SHORT, "--output", "mixed.h5"]
    done = subprocess.run(
        ["timeout", "-k", "5", "300", MPIRUN, "-np", "1", *common, ":", "-np", "1", *common, "--max-iter", "201"],
        cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 64, (done.stdout, done.stderr)
    assert done.stderr.count("error:") == 1 and "different options" in done.stderr
