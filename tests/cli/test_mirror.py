"""Rows that mirror each other in the real axis are computed once: the same bits as without, however they are handed out, written
and gone on with; accounts that say who spent what; and plans that know."""

import json
import re
import shutil

import h5py
import numpy as np
import pytest

from conftest import STRATEGIES, hpcmandel

# Rows 9 to 82 mirror rows 156 to 83; those above have nobody: the axis lies below the middle.
WIDTH, HEIGHT, FIRST, PAIRS, SUM = 128, 157, 9, 74, 165
CHANNELS = ("iterations", "smooth", "distance", "period")
VIEW = ["--center=-0.5,0.125", "--span", "4", "--size", f"{WIDTH}x{HEIGHT}", "--max-iter", "1500", "--channels", ",".join(CHANNELS)]
# An even number of rows: the one in the middle is the axis.
EVEN = ["--center=-0.5,0", "--span", "3", "--size", "64x64", "--max-iter", "500"]
JULIA = ["--julia=-1.3107,0", "--center=0,0", "--span", "3", "--size", "96x64", "--max-iter", "500"]
SOURCES = np.arange(FIRST, FIRST + PAIRS)
TWINS = SUM - SOURCES


def contents(path):
    with h5py.File(path) as file:
        assert file["run"].attrs["complete"]
        return {name: file[name][...].tobytes() for name in CHANNELS if name in file}


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    """Every update really done."""
    folder = tmp_path_factory.mktemp("mirror")
    for name, view in (("view", VIEW), ("even", EVEN), ("julia", JULIA)):
        hpcmandel(*view, "--interior", "none", "--output", folder / f"{name}.h5", "--quiet").ok()
    return folder


@pytest.fixture(scope="module")
def reference(references):
    return references / "view.h5"


def test_the_view_is_symmetric(reference):
    with h5py.File(reference) as file:
        im = file["im"][...]
        assert np.array_equal(im[SOURCES], -im[TWINS])
        assert np.array_equal(file["iterations"][...][SOURCES], file["iterations"][...][TWINS])
        assert (file["rows/work"][...] > 0).all()


WAYS = [(1, None, "collective", 200), (2, None, "independent", "auto"), (3, "a:1,b:2", "collective", 2), (5, "a:2,b:3", "funnel", 3),
        (8, None, "collective", 1)]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("ranks,hosts,io,band", WAYS)
def test_same_bits_and_true_accounts(run, tmp_path, reference, strategy, ranks, hosts, io, band):
    done = run(*VIEW, "--strategy", strategy, "--io", io, "--band", band, "--threads", 1 + ranks % 2, "--output", "a.h5", "--stats",
               "a.json", "--trace", "a.trace", ranks=ranks, hosts=hosts).ok()
    assert contents(tmp_path / "a.h5") == contents(reference)
    stats = json.loads((tmp_path / "a.json").read_text())
    with h5py.File(tmp_path / "a.h5") as file, h5py.File(reference) as other:
        work, seconds, rank = (file[f"rows/{name}"][...] for name in ("work", "seconds", "rank"))
        table = file["run/ranks"][...]
        assert np.array_equal(file["rows/crc32"][...], other["rows/crc32"][...])
        for name in ("sum", "inside", "crc32"):
            assert file["run"].attrs[name] == other["run"].attrs[name]
    # Nothing was spent on twins, and who computed a row has its twin as well.
    assert not work[TWINS].any() and not seconds[TWINS].any()
    assert (seconds[:SOURCES[-1] + 1] > 0).all() and work[:SOURCES[-1] + 1].sum() == work.sum() > 0
    assert np.array_equal(rank[SOURCES], rank[TWINS])
    assert np.array_equal(table["rows"], np.bincount(rank, minlength=ranks)) and table["rows"].sum() == HEIGHT
    assert np.array_equal(table["iterations"], np.bincount(rank, work, minlength=ranks))
    assert done.summary["rows"] == f"{HEIGHT} of {HEIGHT} done, {HEIGHT} in this run"
    # Speed counts the image's updates.
    iterations = np.frombuffer(contents(reference)["iterations"], np.uint32)
    updates = int(iterations.sum(dtype=np.uint64)) + int((iterations < 1500).sum())
    assert stats["giter_per_second"] * stats["seconds"] == pytest.approx(updates * 1e-9, rel=1e-6)
    # Every band once.
    trace = json.loads((tmp_path / "a.trace").read_text())
    computed = {event["args"]["band"] for event in trace["traceEvents"] if event.get("name") == "busy" and "args" in event}
    rows = stats["band"]
    assert len(computed) == -(-FIRST // rows) + -(-PAIRS // rows)


@pytest.mark.parametrize("name,view", (("even", EVEN), ("julia", JULIA)))
@pytest.mark.parametrize("arith", ("ieee", "fma"))
def test_other_views(run, tmp_path, references, name, view, arith):
    run(*view, "--arith", arith, "--output", "a.h5", ranks=2).ok()
    run(*view, "--arith", arith, "--interior", "none", "--output", "b.h5").ok()
    assert contents(tmp_path / "a.h5") == contents(tmp_path / "b.h5")
    assert arith == "fma" or contents(tmp_path / "a.h5") == contents(references / f"{name}.h5")
    with h5py.File(tmp_path / "a.h5") as file, h5py.File(tmp_path / "b.h5") as other:
        seconds = file["rows/seconds"][...]
        assert (seconds[:33] > 0).all() and not seconds[33:].any()  # rows 1 to 31, the edge and the axis
        assert (other["rows/seconds"][...] > 0).all()


def test_check_and_what_is_said(run):
    said = run(*EVEN, "--output", "a.h5", "--verbose", ranks=3).ok().err
    assert said.count("rows 1 to 31 mirror rows 33 to 63") == 1
    assert "# true: every row" in run("check", "a.h5", ranks=2).ok().out
    for other in (["--interior", "none"], ["--center=-0.5,0.001"], ["--size", "60x60"]):
        assert "mirror" not in run(*EVEN, *other, "--output", "b.h5", "--overwrite", "--verbose").ok().err


# --- going on -------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A file of VIEW that was stopped at once."""
    path = tmp_path_factory.mktemp("begun") / "begun.h5"
    assert hpcmandel(*VIEW, "--interior", "none", "--band", "1", "--time-limit", "0.000001", "--output", path, "--quiet").code == 75
    return path


def set_done(path, reference, done):
    """Makes these rows the done ones, true in everything; the others hold rubbish and no marks."""
    with h5py.File(path, "r+") as file, h5py.File(reference) as other:
        for name in (*CHANNELS, "rows/crc32", "rows/work", "rows/seconds", "rows/rank"):
            values = np.full_like(other[name][...], 77)
            values[done] = other[name][...][done]
            file[name][...] = values
        file["rows/done"][...] = done.astype(np.uint8)


def states():
    """Which rows are done: of pairs none, the upper, the lower one, both."""
    dice = np.random.default_rng(20122)
    rows = np.arange(HEIGHT)
    yield "the upper ones", rows <= SOURCES[-1]
    yield "the lower ones", rows > SOURCES[-1]
    yield "one in the middle", rows == SOURCES[-1]
    yield "every third", rows % 3 == 0
    yield "pairs", np.isin(rows, SOURCES[20:50]) | np.isin(rows, TWINS[20:50])
    for density in (0.1, 0.5, 0.9):
        yield f"{density} at random", dice.random(HEIGHT) < density


@pytest.mark.parametrize("name,done", states(), ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize("ranks,strategy,io", ((1, "counter", "independent"), (3, "pipeline", "collective")))
def test_goes_on_from_any_state(run, tmp_path, begun, reference, name, done, ranks, strategy, io):
    path = tmp_path / "a.h5"
    shutil.copy(begun, path)
    set_done(path, reference, done)
    result = run(*VIEW, "--resume", "--output", "a.h5", "--strategy", strategy, "--io", io, "--band", "6", ranks=ranks).ok()
    assert contents(path) == contents(reference)
    assert result.summary["rows"] == f"{HEIGHT} of {HEIGHT} done, {(~done).sum()} in this run"
    with h5py.File(path) as file, h5py.File(reference) as other:
        for key in ("sum", "inside", "crc32"):
            assert file["run"].attrs[key] == other["run"].attrs[key]
        seconds, work = file["rows/seconds"][...], file["rows/work"][...]
        # What was done is left alone; of the rest, a twin was copied where both were to do.
        assert np.array_equal(work[done], other["rows/work"][...][done])
        copied = TWINS[~done[SOURCES] & ~done[TWINS]]
        assert not seconds[copied].any() and not work[copied].any()
        assert (np.delete(seconds, copied) > 0).all()
        assert file["run/ranks"]["rows"].sum() == (~done).sum()


def test_stopped_and_gone_on_with(run, tmp_path, reference):
    """Stopped by its time limit a few times, each time on other ranks."""
    for ranks, io in ((2, "collective"), (3, "independent"), (1, "funnel")):
        stopped = run(*VIEW, "--output", "a.h5", "--resume", "--io", io, "--band", "1", "--time-limit", "0.003", ranks=ranks)
        assert stopped.code in (0, 75), stopped.err
        with h5py.File(tmp_path / "a.h5") as file, h5py.File(reference) as other:
            done = file["rows/done"][...] == 1
            for name in CHANNELS:
                assert file[name][...][done].tobytes() == other[name][...][done].tobytes()
    run(*VIEW, "--output", "a.h5", "--resume", ranks=5).ok()
    assert contents(tmp_path / "a.h5") == contents(reference)
    assert "# true: every row" in run("check", "a.h5").ok().out


# --- plans ----------------------------------------------------------------------------------------

GIVEN = ["--speed", "2", "--band-cost", "50", "--byte-cost", "0.5", "--latency", "2", "--node-latency", "1"]


def test_plans(run, tmp_path):
    """From the view, from a file whose twins cost nothing, and from one gone on with: the same bands as the real run, their work."""
    view = [*VIEW[:-2], "--band", "2"]
    run(*view, "--strategy", "block", "--output", "a.h5", ranks=4).ok()
    with h5py.File(tmp_path / "a.h5") as file:
        table, work = file["run/ranks"]["iterations"], int(file["rows/work"][...].sum())
    imbalance = table.max() / table.mean()
    known = json.loads(run("plan", "a.h5", *GIVEN, "--ranks", 4, "--json", ranks=2).ok().out)
    guessed = json.loads(run("plan", *view, *GIVEN, "--ranks", 4, "--json").ok().out)
    every = json.loads(run("plan", *view, *GIVEN, "--ranks", 4, "--interior", "none", "--json").ok().out)
    for found in (known, guessed):
        block = next(s for s in found["strategies"] if s["name"] == "block")
        assert found["updates"] == pytest.approx(work, rel=1e-9 if found is known else 0.1)
        assert block["imbalance"] == pytest.approx(imbalance, rel=1e-9 if found is known else 0.1)
        assert block["busy"] == pytest.approx(found["core_seconds"])
    bands = re.search(r"(\d+) bands of 2 rows", run("plan", *view, *GIVEN, "--ranks", 4).ok().out)
    assert int(bands[1]) == -(-FIRST // 2) + PAIRS // 2
    assert every["updates"] > 1.5 * known["updates"]
    # The other one of each pair computed: the same plan.
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        rows = file["rows/work"][...]
        rows[TWINS[::2]], rows[SOURCES[::2]] = rows[SOURCES[::2]], 0
        file["rows/work"][...] = rows
    again = json.loads(run("plan", "a.h5", *GIVEN, "--ranks", 4, "--json").ok().out)
    assert again["updates"] == known["updates"]
    for one, other in zip(again["strategies"], known["strategies"], strict=True):
        assert one["busy"] == pytest.approx(other["busy"])
        # Who gets what otherwise depends on how long messages take, which is measured.
        assert one["name"] not in ("block", "cyclic") or one["imbalance"] == other["imbalance"]
