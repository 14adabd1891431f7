"""plan: against real runs by iterations, its lines against jobs/submit, its targets, its errors."""

import json
import os
import shlex
import subprocess
import sys

import h5py
import pytest

from conftest import MPIRUN, ROOT, STRATEGIES, hpcmandel, together

# A machine that is given, not measured: then predictions are the same in every run.
GIVEN = ["--speed", "2", "--band-cost", "50", "--byte-cost", "0.5", "--latency", "2", "--node-latency", "1"]
SPEED = ["--speed", "2", "--band-cost", "0", "--byte-cost", "0"]
VIEW = ["--size", "960x640"]
# How many updates a point takes then depends on the point alone; short cuts look at several at a time.
PLAIN = ["--interior", "none", "--max-iter", "250"]


def plan(run, *args, **options):
    return json.loads(run("plan", *args, "--json", **options).ok().out)


def by_name(found):
    return {s["name"]: s for s in found["strategies"]}


def make_data_set(factory, *options):
    path = factory.mktemp("plan") / "known.h5"
    hpcmandel(*VIEW, *options, "--output", path, "--quiet").ok()
    return path


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    """A complete data set of VIEW."""
    return make_data_set(tmp_path_factory)


@pytest.fixture(scope="module")
def plain_data_set(tmp_path_factory):
    """One of VIEW and PLAIN."""
    return make_data_set(tmp_path_factory, *PLAIN)


def test_every_strategy_is_predicted(run):
    found = plan(run, *VIEW, *GIVEN, "--nodes", 3, "--ranks-per-node", 4)
    assert list(by_name(found)) == list(STRATEGIES)
    assert found["request"]["ranks"] == 12 and found["request"]["nodes"] == 3
    for name, s in by_name(found).items():
        assert s["seconds"] >= found["core_seconds"] / 12, name
        assert 0 < s["efficiency"] <= 1 and s["imbalance"] >= 1, name
        assert s["busy"] == pytest.approx(found["core_seconds"]), name
        assert s["memory_bytes"] > 4 * 960
    fastest = min(found["strategies"], key=lambda s: s["seconds"])
    assert found["best"] == fastest["name"]


def test_names_that_json_cannot_hold(run):
    """Bytes that are not UTF-8: null, as everywhere."""
    found = plan(run, *VIEW, *GIVEN, "--output", os.fsdecode(b"caf\xe9.h5"))
    assert found["commands"]["submit"] is None and found["commands"]["time"] and found["best"]


def test_text_and_json_agree(run):
    found = plan(run, *VIEW, *GIVEN, "--ranks", 5)
    text = run("plan", *VIEW, *GIVEN, "--ranks", 5).ok().out
    for name, s in by_name(found).items():
        line = next(line for line in text.splitlines() if line[2:].startswith(name + " "))
        assert float(line[2:].split()[1]) == pytest.approx(s["seconds"], abs=1e-4)
        assert line.startswith("*") == (name == found["best"])
    assert "submit " + found["commands"]["submit"] in text.splitlines()


def test_same_on_any_number_of_ranks(run, plain_data_set):
    for source in (VIEW + PLAIN, [plain_data_set]):
        alone = plan(run, *source, *GIVEN, "--ranks", 7)
        three = plan(run, *source, *GIVEN, "--ranks", 7, ranks=3)
        assert alone["updates"] == pytest.approx(three["updates"], rel=1e-12)
        for key in ("seconds", "efficiency", "imbalance", "messages"):
            assert [s[key] for s in alone["strategies"]] == pytest.approx([s[key] for s in three["strategies"]]), key


def test_measures_by_itself(run, tmp_path):
    found = plan(run, *VIEW, "--measure", "0.2", "--output", tmp_path / "out.h5", ranks=2)
    machine = found["machine"]
    assert machine["speed_measured"] and machine["band_measured"] and machine["measured_bands"] >= 6
    assert machine["giter_per_second"] > 0 and machine["band_us"] + machine["byte_ns"] > 0
    assert machine["poll_us"] > 0
    assert list(tmp_path.iterdir()) == []  # the file that was measured with is gone


def test_messages_are_measured_between_ranks(run):
    alone = plan(run, *VIEW, *SPEED)["machine"]
    assert not alone["node_latency_measured"] and alone["node_latency_us"] == pytest.approx(1)
    given = plan(run, *VIEW, *SPEED, "--answer-cost", 7, "--transfer-cost", 3, "--flush-cost", 2, ranks=2)["machine"]
    assert (given["answer_us"], given["transfer_ns"], given["flush_ns"]) == pytest.approx((7, 3, 2))
    assert not given["answer_measured"] and not given["transfer_measured"] and not given["flush_measured"]
    text = run("plan", *VIEW, *SPEED).ok().out
    assert "1.00 us within (taken for granted)" in text and "answer 1.00 us (taken for granted)" in text
    if len(os.sched_getaffinity(0)) > 1:  # ranks that take turns do not measure each other
        found = plan(run, *VIEW, *SPEED, ranks=2)["machine"]
        assert found["node_latency_measured"] and found["transfer_measured"] and found["answer_measured"]
        assert 0 < found["node_latency_us"] < 1e5 and not found["latency_measured"]


def test_data_are_forced_to_the_disk_at_the_end(run):
    """By a node its part, and of a long run what is recent."""
    def seconds(*options):
        return by_name(plan(run, *VIEW, *GIVEN, *options))["cyclic"]["seconds"]

    size = plan(run, *VIEW, *GIVEN)["file_bytes"]
    assert seconds("--flush-cost", 50) - seconds() == pytest.approx(50e-9 * size, rel=1e-6)
    two = ("--nodes", 2, "--ranks-per-node", 2)
    assert seconds("--flush-cost", 50, *two) - seconds(*two) == pytest.approx(25e-9 * size, rel=1e-6)
    slow = ("--speed", "0.0001")
    total = seconds(*slow)
    assert total > 60
    assert seconds(*slow, "--flush-cost", 50) - total == pytest.approx(50e-9 * size * 30 / total, rel=1e-3)


def test_ways_to_the_file(run):
    """What costs nothing is the same in all ways; where writing takes long, a leader is what all wait for."""
    def seconds(io, *costs):
        return by_name(plan(run, *VIEW, *SPEED, *costs, "--io", io, "--ranks", 8))["cyclic"]

    free = {io: seconds(io, "--latency", 0, "--node-latency", 0, "--transfer-cost", 0, "--round-cost", 0)["seconds"]
            for io in ("auto", "independent", "collective", "funnel")}
    assert list(free.values()) == pytest.approx([free["auto"]] * 4, rel=0.1)  # a round waits for bands
    slow = ["--band-cost", 10000]
    own, leader = (seconds(io, *slow) for io in ("independent", "funnel"))
    assert own["writing"] == pytest.approx(leader["writing"]) and leader["seconds"] > 5 * own["seconds"]
    assert seconds("collective", "--round-cost", 1e6)["seconds"] > 2


@pytest.mark.parametrize("io", ["collective", "funnel"])
def test_ways_are_measured(run, tmp_path, io):
    found = plan(run, *VIEW, "--measure", "0.1", "--io", io, "--threads", 2, "--output", tmp_path / "out.h5", ranks=2)
    assert found["machine"]["band_measured"] and found["machine"]["flush_measured"]
    assert found["machine"]["band_us"] + found["machine"]["byte_ns"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_exact(run, data_set):
    with h5py.File(data_set) as file:
        work = int(file["rows/work"][...].sum())
    found = plan(run, data_set, *GIVEN)
    assert found["updates"] == work
    assert found["file_bytes"] == pytest.approx(os.path.getsize(data_set), rel=0.2)
    sampled = plan(run, *VIEW, *GIVEN)
    assert sampled["updates"] == pytest.approx(work, rel=0.02)


@pytest.mark.parametrize("plain,ranks", [(True, 8), (True, 64), (False, 8)])
def test_imbalance_of_real_runs(run, data_set, plain_data_set, tmp_path, plain, ranks):
    """Who computes what does not depend on time here, however oversubscribed the machine."""
    # Left to choose, ranks that outnumber the processors take larger bands, which a plan does not know of.
    bands = ("--band", 1)
    view = (*VIEW, *(PLAIN if plain else ()), *bands)
    exact = by_name(plan(run, plain_data_set if plain else data_set, *GIVEN, "--ranks", ranks, *bands))
    sampled = by_name(plan(run, *view, *GIVEN, "--ranks", ranks))
    settled = ("block", "cyclic", "predict")
    for done in together([("render", *view, "--strategy", strategy, "--output", f"{strategy}.h5", "--quiet") for strategy in settled],
                         cwd=tmp_path, ranks=ranks, timeout=600):
        done.ok()
    for strategy in settled:
        with h5py.File(tmp_path / f"{strategy}.h5") as file:
            iterations = file["run/ranks"]["iterations"]
        real = iterations.max() / iterations.mean()
        assert exact[strategy]["imbalance"] == pytest.approx(real, rel=1e-9 if plain else 0.02), strategy
        assert sampled[strategy]["imbalance"] == pytest.approx(real, rel=0.02), strategy


def test_self_scheduled_at_64_ranks():
    """As the program of the same name does on few ranks: strategies really run, by clocks of their own."""
    program = ROOT / os.environ.get("BUILD", "build") / "tests/test_simulated"
    done = subprocess.run(["timeout", "-k", "5", "900", MPIRUN, "-np", "64", str(program)], capture_output=True, text=True,
                          check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed, 0 failed" in done.stdout


def test_large_requests(run):
    """A picture of 10^10 points on 4096 ranks, each strategy."""
    found = plan(run, "--size", "100000x100000", "--nodes", 64, "--ranks-per-node", 64, *GIVEN)
    assert found["request"]["ranks"] == 4096 and found["file_bytes"] > 4e10
    for s in found["strategies"]:
        assert found["core_seconds"] / 4096 <= s["seconds"] < found["core_seconds"] / 40, s["name"]


# --- what to type ---------------------------------------------------------------------------------

@pytest.mark.parametrize("request_options", [
    ["--nodes", "2", "--ranks-per-node", "3"], ["--nodes", "2", "--ranks", "5", "--threads", "2"],
    ["--output", "a b/it's $(x).h5", "--overwrite", "--max-iter", "300"]])
def test_lines_are_those_of_submit(run, tmp_path, request_options):
    commands = plan(run, *VIEW, *GIVEN, *request_options)["commands"]
    words = shlex.split(commands["submit"])
    assert words[0] == str(ROOT / "jobs/submit") and "--size=960x640" in words
    for scheduler, line in (("slurm", commands["sbatch"]), ("pbs", commands["qsub"])):
        done = subprocess.run([words[0], "--dry-run", "--scheduler", scheduler, *words[1:]], capture_output=True, text=True,
                              check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip("\n") == line
    assert f"--time={commands['time']}" in commands["sbatch"]


def test_lines_of_a_file_compute_its_view(run, data_set, tmp_path):
    words = shlex.split(plan(run, data_set, *GIVEN, "--strategy", "cyclic")["commands"]["submit"])
    arguments = words[words.index("--") + 1:]
    assert "--size=960x640" in arguments and "--strategy=cyclic" in arguments
    assert not [word for word in arguments if word.startswith("--output")]  # not over the file itself
    run(*arguments, "--output", "again.h5", "--quiet").ok()
    with h5py.File(tmp_path / "again.h5") as again, h5py.File(data_set) as file:
        assert again["run"].attrs["crc32"] == file["run"].attrs["crc32"]


# --- targets --------------------------------------------------------------------------------------

LARGE = ["--size", "20000x20000", "--ranks-per-node", "16"]


def best(found):
    return by_name(found)[found["best"]]


def test_within(run):
    whole = plan(run, *LARGE, *GIVEN)
    wanted = best(whole)["seconds"] / 3
    found = plan(run, *LARGE, *GIVEN, "--within", f"{wanted:.6f}")
    nodes = found["request"]["nodes"]
    assert nodes >= 3 and best(found)["seconds"] <= wanted * 1.02
    fewer = plan(run, *LARGE, *GIVEN, "--nodes", nodes - 1)
    assert best(fewer)["seconds"] > wanted * 0.98


def test_efficiency(run):
    found = plan(run, *LARGE, *GIVEN, "--efficiency", "0.7", "--most-nodes", 64)
    nodes = found["request"]["nodes"]
    assert best(found)["efficiency"] >= 0.7 * 0.98
    more = plan(run, *LARGE, *GIVEN, "--nodes", nodes + 1)
    assert nodes == 64 or max(s["efficiency"] for s in more["strategies"]) < 0.7 * 1.02


ERRORS = [
    (["--within", "0.001", "--most-nodes", "4"], ["cannot be reached", "up to 4 nodes", "the fastest is", "highest efficiency"]),
    (["--within", "1", "--efficiency", "1"], ["cannot be reached", "efficiency 1"]),
    (["--efficiency", "1.5"], ["efficiency", "1.5"]),
    (["--efficiency", "0"], ["efficiency"]),
    (["--within", "0"], ["within"]),
    (["--strategy", "magic"], ["magic", "counter"]),
    (["--ranks", "641"], ["641 ranks", "640 rows"]),
    (["--ranks", "2", "--nodes", "3"], ["2 cannot be on 3 nodes"]),
    (["--ranks-per-node", "5", "--threads", "2", "--cores", "8"], ["5 ranks x 2 threads", "8 cores"]),
    (["--within", "10", "--nodes", "2"], ["within", "nodes"]),
    (["--speed", "0"], ["speed"]),
    (["--latency", "-1"], ["latency"]),
    (["--size", "1000x2147483647"], ["2147483647 rows", "67108864"]),
    (["--nodes", "x"], ["nodes", "x"]),
]


@pytest.mark.parametrize("options,words", ERRORS)
def test_errors(run, options, words):
    result = run("plan", *VIEW, *GIVEN, *options, ranks=2)
    assert result.code == 64, result.out + result.err
    assert result.err.count("error:") == 1 and result.out == ""
    for word in words:
        assert word in result.err


def test_files_that_are_none(run, data_set, tmp_path):
    result = run("plan", data_set, *VIEW, *GIVEN)
    assert result.code == 64 and "size" in result.err
    assert run("plan", tmp_path / "nowhere.h5", *GIVEN, ranks=2).code in (65, 74)
    (tmp_path / "text.h5").write_text("no data set")
    assert run("plan", tmp_path / "text.h5", *GIVEN, ranks=2).code == 65


def test_a_file_that_is_not_complete(run):
    stopped = run("--size", "2000x2000", "--interior", "none", "--max-iter", "100000", "--time-limit", "0.5", "--output", "part.h5",
                  "--quiet")
    assert stopped.code == 75
    result = run("plan", "part.h5", *GIVEN, ranks=2)
    assert result.code == 65 and "not complete" in result.err and "--resume" in result.err


def test_where_nothing_can_be_written(run):
    result = run("plan", *VIEW, "--output", "/proc/none.h5", ranks=2)
    assert result.code == 73 and "--band-cost" in result.err
    assert plan(run, *VIEW, "--output", "/proc/none.h5", "--band-cost", 50, "--byte-cost", 1)["machine"]["speed_measured"]


def test_plan_check():
    """As the Makefile calls it, with its name of the program; how near the two come is not asked here."""
    def check(*arguments):
        return subprocess.run([sys.executable, "tools/plan_check.py", *arguments], cwd=ROOT, env={**os.environ, "HPCMANDEL": "./hpcmandel"},
                              capture_output=True, text=True, timeout=300, check=False)
    done = check("--only", "channels 1x1", "-n", "1", "--measure", "0.05", "--within", "1e9")
    assert done.returncode == 0 and done.stdout.startswith("channels 1x1"), done.stdout + done.stderr
    none = check("--only", "nothing")
    assert none.returncode == 2 and "no case begins with nothing" in none.stderr
