"""Killed at any instant, the file opens or is cleanly absent, no row marked done is wrong, and a resumed run ends in the same bits."""

import itertools
import os
import random
import signal
import subprocess
import time
import zlib

import h5py
import numpy as np
import pytest

from conftest import MPIRUN, PROGRAM

KILLS = int(os.environ.get("HM_KILLS", "60"))
SEED = int(os.environ.get("HM_SEED", "20121"))
# What a run spends its time on: computing, or writing and flushing, also rows that mirror others, which are not computed.
VIEWS = {
    "computing": ["--size", "640x427", "--max-iter", "3000", "--interior", "none", "--checkpoint", "0.05"],
    "writing": ["--size", "1700x1100", "--max-iter", "20", "--checkpoint", "0.001", "--channels", "iterations,smooth"],
    "mirrored": ["--center=-0.5,0", "--span", "3", "--size", "1536x1300", "--max-iter", "2000", "--checkpoint", "0.001", "--channels",
                 "iterations,smooth"],
}
STRATEGIES = ("block", "cyclic", "pipeline", "pool", "counter")
WAYS = ("auto", "independent", "collective", "funnel")


def launch(folder, ranks, *more, view="computing"):
    return subprocess.Popen(
        ["timeout", "-k", "5", "280", MPIRUN, "-np", str(ranks), str(PROGRAM), *VIEWS[view], "--output", "k.h5", *more], cwd=folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def children(pid):
    """All descendants of a process."""
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            for child in map(int, file.read().split()):
                found += [child, *children(child)]
    except OSError:
        pass
    return found


def named(pids, name):
    kept = []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                if file.read().strip() == name:
                    kept.append(pid)
        except OSError:
            pass
    return kept


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def reap(process):
    try:
        process.communicate(timeout=300)
    finally:
        for pid in children(process.pid):
            kill(pid)


def undisturbed(folder, view):
    """Counts and checksum of a run that nobody disturbed, and how long it takes on one rank."""
    begin = time.monotonic()
    process = launch(folder, 1, view=view)
    out, err = process.communicate(timeout=300)
    seconds = time.monotonic() - begin
    assert process.returncode == 0, err
    with h5py.File(folder / "k.h5") as file:
        counts = file["iterations"][...]
    crc = next(line for line in out.splitlines() if line.startswith("crc32"))
    assert crc == f"crc32 {zlib.crc32(counts.astype('<u4').tobytes()):08x}"
    return counts, crc, seconds


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    return {view: undisturbed(tmp_path_factory.mktemp(view), view) for view in VIEWS}


@pytest.fixture(scope="module")
def reference(references):
    return references["computing"]


def check_file(path, counts):
    """What a reader finds after the kill; returns the rows done."""
    with h5py.File(path) as file:
        done = file["rows/done"][...].astype(bool)
        data = file["iterations"][...]
        crc = file["rows/crc32"][...][:, 0]
        assert np.array_equal(data[done], counts[done]), "a row marked done is wrong"
        for row in np.flatnonzero(done):
            assert crc[row] == zlib.crc32(data[row].astype("<u4").tobytes())
        complete = bool(file["run"].attrs["complete"])
        assert not complete or done.all(), "the file says complete and is not"
        return int(done.sum())


def rows_done(path):
    try:
        with h5py.File(path) as file:
            return int((file["rows/done"][...] == 1).sum())
    except OSError:
        return 0


def wait_for(moment, process, folder, rows, seconds, dice):
    """Until the moment to kill: any; when the file is being made; while it is filled; when all rows are in it and it is being
    closed."""
    if moment == "any":
        time.sleep(dice.uniform(0, 1.1 * seconds))
        return
    while process.poll() is None:
        if rows_done(folder / "k.h5") == rows if moment == "closing" else any(folder.iterdir()):
            break
        time.sleep(0.0002)
    time.sleep(dice.uniform(0, {"creation": 0.005, "filling": 0.4 * seconds, "closing": 0.02}[moment]))


def strike(process, victim, dice):
    """Kills one rank, all, or mpirun; waits until all are gone."""
    everybody = children(process.pid)
    program = named(everybody, "hpcmandel")
    if victim == "mpirun":
        for pid in named(everybody, os.path.basename(os.path.realpath(MPIRUN))) + named(everybody, "mpirun.mpich"):
            kill(pid)
    elif program:
        for pid in (program if victim == "all" else [dice.choice(program)]):
            kill(pid)
    reap(process)
    deadline = time.monotonic() + 120
    while any(os.path.exists(f"/proc/{pid}") for pid in program) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in program if os.path.exists(f"/proc/{pid}")], "the run goes on without its mpirun"


def test_killed_at_random_moments(tmp_path, references):
    dice = random.Random(SEED)
    caught = {"absent": 0, "partial": 0, "finished": 0}
    for turn in itertools.count():
        # Until enough moments have met the run where it can be hurt.
        if turn >= KILLS and (caught["partial"] >= KILLS // 10 or turn >= 4 * KILLS):
            break
        folder = tmp_path / str(turn)
        folder.mkdir()
        ranks = dice.choice((1, 2, 3, 4))
        victim = dice.choice(("one", "all", "mpirun"))
        strategy = dice.choice(STRATEGIES)
        way = dice.choice(WAYS)
        view = dice.choice(("computing", "writing", "mirrored"))
        moment = dice.choice(("any", "filling", "filling", "creation", "closing"))
        counts, crc, seconds = references[view]
        story = f"turn {turn} of seed {SEED}: {view}, {ranks} ranks, {strategy}, {way}, {victim} killed, {moment}"
        process = launch(folder, ranks, "--strategy", strategy, "--io", way, view=view)
        wait_for(moment, process, folder, len(counts), seconds, dice)
        strike(process, victim, dice)
        path = folder / "k.h5"
        if path.exists():
            rows = check_file(path, counts)
            caught["finished" if rows == len(counts) else "partial"] += 1
        else:
            caught["absent"] += 1
        again = launch(folder, dice.choice((1, 2, 3)), "--resume", "--strategy", dice.choice(STRATEGIES), "--io",
                       dice.choice(WAYS), view=view)
        out, err = again.communicate(timeout=300)
        assert again.returncode == 0, f"{story}\n{err}"
        assert crc in out, story
        assert check_file(path, counts) == len(counts), story
        for left in folder.iterdir():
            left.unlink()
    print(f"{turn} kills: {caught}")
    assert caught["partial"] >= KILLS // 10, caught


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1))
@pytest.mark.parametrize("rank", ("first", "last"))
def test_signal_to_a_rank_stops_all_cleanly(tmp_path, reference, number, rank):
    counts, crc, _ = reference
    process = launch(tmp_path, 3, "--max-iter", "3000000", "--output", "s.h5")
    until = time.monotonic() + 200
    while not rows_done(tmp_path / "s.h5"):  # then all ranks watch for signals
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    program = sorted(named(children(process.pid), "hpcmandel"))
    assert len(program) == 3
    os.kill(program[0 if rank == "first" else -1], number)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 75, err
    assert "incomplete" in out and "error" not in err


def test_time_limit(tmp_path, reference):
    counts, crc, _ = reference
    process = launch(tmp_path, 2, "--time-limit", "0.01")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 75, err
    assert check_file(tmp_path / "k.h5", counts) < len(counts)
    process = launch(tmp_path, 3, "--resume")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0 and crc in out, err
    with h5py.File(tmp_path / "k.h5") as file:
        history = file["run/history"][...]
        ended = [row["ended"].decode().strip("\0") for row in history]
        assert file["run"].attrs["total_seconds"] == pytest.approx(history["seconds"].sum())
        assert 0 < file["run"].attrs["seconds"] < file["run"].attrs["total_seconds"]
    assert ended == ["time limit", "complete"]
