"""analyze: statistics against NumPy's, the same on every number of ranks; the search; what is not true is refused."""

import csv
import json
import shutil
import signal
import subprocess
import time
import zlib

import h5py
import numpy as np
import pytest

from conftest import PROGRAM, ROOT

RANKS = (1, 2, 3, 5, 8)
SMALL = ("--region=-2:1,1.5:-1.5", "--size", "45x44", "--max-iter", 300, "--channels", "iterations,period")


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory):
    """The tutorial's case, whose sum is known."""
    folder = tmp_path_factory.mktemp("tutorial")
    path = folder / "tutorial.h5"
    subprocess.run(
        [PROGRAM, "--config", ROOT / "configs/euroscipy2012.ini", "--output", path, "--png", folder / "x.png"],
        check=True, capture_output=True, cwd=folder, timeout=300)
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small view of the whole set with periods, symmetric about a row."""
    path = tmp_path_factory.mktemp("small") / "small.h5"
    subprocess.run([PROGRAM, *map(str, SMALL), "--output", path], check=True, capture_output=True, timeout=300)
    return path


def forge(source, target, counts=None, period=None, **rows):
    """A copy of a file with other data, with checksums that are true of them, and not marked as complete."""
    with h5py.File(source, "r") as old, h5py.File(target, "w") as new:
        for name, value in old.attrs.items():
            new.attrs.create(name, value, dtype=old.attrs.get_id(name).dtype)
        for name in old:
            old.copy(name, new, name)
        channels = ["iterations", "period"] if "period" in new else ["iterations"]
        for name, data in (("iterations", counts), ("period", period)):
            if data is not None:
                new[name][...] = data
                column = channels.index(name)
                for row in range(len(data)):
                    new["rows/crc32"][row, column] = zlib.crc32(data[row].astype("<u4").tobytes())
        for name, data in rows.items():
            new["rows"][name][...] = data
        new["run"].attrs.modify("complete", np.uint8(0))
    return target


def analyze(run, path, *args, **options):
    """The figures as JSON."""
    return json.loads(run("analyze", path, "--json", "--quiet", *args, **options).ok().out)


def read(path, *names):
    with h5py.File(path, "r") as file:
        found = [file[name][()] for name in names]
        return (*found, dict(file["run"].attrs))


def boxes(inside):
    """Boxes of side 1, 2, 4, ... whose points, rims included, are not all alike."""
    height, width = inside.shape
    mixed = np.zeros((height - 1, width - 1), bool)
    corners = [inside[:-1, :-1], inside[1:, :-1], inside[:-1, 1:], inside[1:, 1:]]
    mixed = np.logical_or.reduce(corners) & ~np.logical_and.reduce(corners)
    found = []
    for side in (1 << k for k in range(32)):
        if side >= min(height, width):
            return found
        found.append((side, sum(
            mixed[j:j + side, i:i + side].any()
            for j in range(0, height - 1, side) for i in range(0, width - 1, side))))


def test_figures_are_those_of_numpy(run, tutorial):
    counts, work, seconds, rank, about = read(tutorial, "iterations", "rows/work", "rows/seconds", "rows/rank")
    found = analyze(run, tutorial, "--top", 5, ranks=3)
    outside = counts[counts < 1000]
    assert found["sum"] == 51214485 and found["inside"] == 50066 and found["complete"] is True
    assert found["crc32"] == f"{zlib.crc32(counts.astype('<u4').tobytes()):08x}"
    assert (found["rows"], found["missing"], found["outside"]) == (500, 0, outside.size)
    assert (found["least"], found["most"]) == (outside.min(), outside.max())
    assert found["mean"][0]["value"] == 51214485 / 250000
    assert found["mean"][1]["value"] == outside.sum() / outside.size
    for entry in found["quantile"]:
        q = np.quantile(outside, float(entry["quantile"]), method="inverted_cdf")
        assert entry["from"] == q and entry["to"] == q + 1
    for name in ("linear", "octave"):
        entries = found[name]
        assert entries[0]["from"] == 0 and entries[-1]["to"] == 1000
        assert all(a["to"] == b["from"] for a, b in zip(entries, entries[1:]))
        for entry in entries:
            assert entry["points"] == np.count_nonzero((counts >= entry["from"]) & (counts < entry["to"]))
    pixel = abs(about["re_step"] * about["im_step"])
    assert [entry["k"] for entry in found["k-area"]] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000]
    for entry in found["k-area"]:
        assert entry["points"] == np.count_nonzero(counts >= entry["k"])
        assert entry["area"] == entry["points"] * pixel
    rows, columns = np.nonzero(counts == 1000)
    re, im = (entry["value"] for entry in found["centroid"])
    assert re == pytest.approx(about["re0"] + columns.mean() * about["re_step"], abs=1e-12)
    assert im == pytest.approx(about["im0"] + rows.mean() * about["im_step"], abs=1e-12)
    assert [(entry["side"], entry["boxes"]) for entry in found["box"]] == boxes(counts == 1000)
    order = np.lexsort((np.arange(500), -work.astype(np.int64)))[:5]
    assert [(entry["row"], entry["work"]) for entry in found["row"]] == [(row, work[row]) for row in order]
    for entry in found["rank"]:
        mine = rank == entry["rank"]
        assert (entry["rows"], entry["work"]) == (mine.sum(), work[mine].sum())
        assert entry["seconds"] == pytest.approx(seconds[mine].sum(), abs=1e-9)
    assert sum(entry["work"] for entry in found["node"]) == work.sum()


def test_known_areas(run, tmp_path):
    """The set's area within the error that is stated, the set's dimension between a curve's and a plane's; OEIS A194473."""
    run("--region=-2.1:0.9,1.5:-1.5", "--size", "2000x2000", "--max-iter", 2000, "--output", "a.h5", ranks=2).ok()
    found = analyze(run, "a.h5", ranks=2)
    area = {entry["of"]: entry for entry in found["area"]}
    assert abs(area["set"]["area"] - 1.506591884) < area["set"]["error"] < 2e-3
    assert area["not escaped"]["area"] - 1.506591884 > area["not escaped"]["error"], "max-iter 2000 is seen to be too few"
    areas = [entry["area"] for entry in found["k-area"]]
    assert areas == sorted(areas, reverse=True)
    assert abs(areas[2] - 3.279185833) < 1e-3
    assert 1.05 < found["dimension"][0]["dimension"] < 1.5
    symmetry = {entry["name"]: entry["count"] for entry in found["symmetry"]}
    assert symmetry["pairs of rows"] == 999 and symmetry["exact pairs that differ"] == 0 < symmetry["exact pairs"]
    assert symmetry["points that differ"] < 1e-3 * symmetry["points compared"]


@pytest.mark.parametrize("name", ("tutorial", "small"))
def test_same_figures_on_every_number_of_ranks(run, tmp_path, request, name):
    path = request.getfixturevalue(name)
    more = 50 if name == "small" else 13
    seen = set()
    for ranks in (*RANKS, more):
        text = run("analyze", path, "--json", "a.json", "--csv", "a.csv", "--quiet", ranks=ranks, timeout=600).ok().out
        seen.add((text, (tmp_path / "a.json").read_bytes(), (tmp_path / "a.csv").read_bytes()))
    assert len(seen) == 1
    hosts = run("analyze", path, "--quiet", ranks=5, hosts="a:2,b:3").ok().out
    assert hosts == seen.pop()[0]


def regions(period):
    """(number, pixels of the largest) by period of regions that touch, corners too."""
    found, seen = {}, np.zeros(period.shape, bool)
    for start in zip(*np.nonzero(period)):
        if seen[start]:
            continue
        value, stack, pixels = period[start], [start], 0
        seen[start] = True
        while stack:
            row, column = stack.pop()
            pixels += 1
            for j in range(max(row - 1, 0), min(row + 2, period.shape[0])):
                for i in range(max(column - 1, 0), min(column + 2, period.shape[1])):
                    if period[j, i] == value and not seen[j, i]:
                        seen[j, i] = True
                        stack.append((j, i))
        number, largest = found.get(value, (0, 0))
        found[value] = (number + 1, max(largest, pixels))
    return found


@pytest.mark.parametrize("kind, ranks", (("real", 1), ("real", 5), ("maze", 1), ("maze", 3), ("maze", 8), ("maze", 50)))
def test_components(run, tmp_path, small, kind, ranks):
    path = small
    if kind == "maze":
        # Regions that wind through all ranks' rows, meet below and do not.
        period = np.random.default_rng(5).choice(np.array([0, 0, 1, 1, 1, 2], np.uint32), (44, 45))
        period[:, 3] = 7
        path = forge(small, tmp_path / "maze.h5", period=period)
    period, about = read(path, "period")
    found = analyze(run, path, ranks=ranks, timeout=600)
    pixel = abs(about["re_step"] * about["im_step"])
    known = regions(period)
    assert {entry["period"]: entry["components"] for entry in found["component"]} == {p: n for p, (n, _) in known.items()}
    for entry in found["component"]:
        assert entry["largest"] == known[entry["period"]][1] * pixel
    assert {entry["period"]: entry["points"] for entry in found["period"]} == {
        int(p): int(n) for p, n in zip(*np.unique(period[period > 0], return_counts=True))}
    centres = {entry["period"]: entry["centres"] for entry in found["component"]}
    assert centres[1] == 1 and centres[2] == 1 and centres.get(3, 3) == 3 and centres.get(7, 63) == 63


@pytest.mark.parametrize("ranks", (1, 4))
def test_dimensions_that_are_known(run, tmp_path, small, ranks):
    """A straight line has dimension 1, a chequerboard 2, and Sierpinski's carpet log 8 / log 3."""
    run("--region=0:1,1:0", "--size", "257x257", "--max-iter", 5, "--output", "square.h5").ok()
    line = np.zeros((257, 257), np.uint32)
    line[:, 100:] = 5
    board = np.indices((257, 257)).sum(axis=0) % 2 * 5
    carpet = np.full((257, 257), 5)
    for j, i in np.ndindex(243, 243):
        a, b = j, i
        while a or b:
            if a % 3 == 1 and b % 3 == 1:
                carpet[j, i] = 0
            a, b = a // 3, b // 3
    for data, dimension, error in ((line, 1, 1e-9), (board, 2, 0.05), (carpet, np.log(8) / np.log(3), 0.15)):
        data = data.astype(np.uint32)
        path = forge(tmp_path / "square.h5", tmp_path / "forged.h5", counts=data)
        found = analyze(run, path, ranks=ranks)
        assert [(entry["side"], entry["boxes"]) for entry in found["box"]] == boxes(data == 5)
        assert found["dimension"][0]["dimension"] == pytest.approx(dimension, abs=error)


def test_wide_bins(run, tmp_path):
    """Counts above 2^14 share bins: quantiles say in which, and areas of powers of two stay exact."""
    run("--region=-0.7501:-0.7499,0.0001:-0.0001", "--size", "40x40", "--max-iter", 200000, "--output", "a.h5").ok()
    counts, _ = read(tmp_path / "a.h5", "iterations")
    outside = counts[counts < 200000]
    found = analyze(run, "a.h5")
    assert outside.max() > 1 << 15
    for entry in found["quantile"]:
        q = np.quantile(outside, float(entry["quantile"]), method="inverted_cdf")
        assert entry["from"] <= q < entry["to"] <= max(entry["from"] * (1 + 2.0**-13), entry["from"] + 1)
    for entry in found["linear"] + found["octave"]:
        assert entry["points"] == np.count_nonzero((counts >= entry["from"]) & (counts < entry["to"]))
    for entry in found["k-area"]:
        assert entry["points"] == np.count_nonzero(counts >= entry["k"])


def test_julia_sets_are_symmetric_about_the_origin(run, tmp_path):
    run("--julia=-0.1,0.65", "--region=-1.5:1.5,1.5:-1.5", "--size", "64x64", "--max-iter", 200, "--output", "a.h5").ok()
    found = analyze(run, "a.h5", ranks=3)
    symmetry = {entry["name"]: entry["count"] for entry in found["symmetry"]}
    assert symmetry["pairs of rows"] == symmetry["pairs compared by points"] == 31
    assert symmetry["points compared"] == 31 * 63 and symmetry["points that differ"] == 0
    counts, _ = read(tmp_path / "a.h5", "iterations")
    counts[10, 20] += 1
    found = analyze(run, forge(tmp_path / "a.h5", tmp_path / "b.h5", counts=counts))
    assert {entry["name"]: entry["count"] for entry in found["symmetry"]}["points that differ"] == 1


def test_incomplete(run, tmp_path, small):
    """The rows that are done are analysed, and it says so."""
    done = np.ones(44, np.uint8)
    done[[0, 7, 8, 30, 43]] = 0
    path = forge(small, tmp_path / "part.h5", done=done)
    counts, _ = read(path, "iterations")
    kept = counts[done == 1]
    seen = set()
    for ranks in (1, 4, 7):
        result = run("analyze", path, "--quiet", "--json", "part.json", ranks=ranks).ok()
        seen.add(result.out)
        assert "INCOMPLETE: 5 of 44 rows are missing" in result.out
    assert len(seen) == 1
    found = json.loads((tmp_path / "part.json").read_text())
    assert found["complete"] is False and "crc32" not in found
    assert (found["rows"], found["missing"], found["sum"]) == (39, 5, kept.sum())
    inside = counts == 300
    pairs = [(j, i) for j in range(43) for i in range(44) if done[j] and done[j + 1]
             and 0 < inside[j:j + 2, i:i + 2].sum() < 4]
    assert found["box"][0]["boxes"] == len(pairs)
    nothing = analyze(run, forge(small, tmp_path / "none.h5", done=0), ranks=3)
    assert nothing["rows"] == 0 and nothing["inside"] == 0


def flip(path, name, row):
    """Changes a byte of a row behind the program's back."""
    with h5py.File(path, "r+") as file:
        data = file[name][row]
        data[11] ^= 4
        file[name][row] = data


def test_host_names_of_any_bytes(run, tmp_path, small):
    path = forge(small, tmp_path / "host.h5")
    with h5py.File(path, "r+") as file:
        table = file["run/ranks"][()]
        table["host"][0] = b"a\xff\n\"b"
        table["node"][0] = 2**31 - 1
        file["run/ranks"][...] = table
    assert analyze(run, path)["rank"][0]["node"] == "not known"
    with h5py.File(path, "r+") as file:
        table["node"][0] = 3
        file["run/ranks"][...] = table
    assert analyze(run, path)["node"][0]["node"] == '3 a??"b'


@pytest.mark.parametrize("ranks", (None, 3))
def test_what_is_not_true_is_refused(run, tmp_path, small, ranks):
    shutil.copy(small, tmp_path / "torn.h5")
    flip(tmp_path / "torn.h5", "iterations", 23)
    torn = run("analyze", "torn.h5", ranks=ranks)
    assert torn.code == 65 and "row 23 of the channel iterations is torn" in torn.err and torn.out == ""
    assert torn.err.count("error:") == 1
    shutil.copy(small, tmp_path / "torn.h5")
    flip(tmp_path / "torn.h5", "period", 5)
    torn = run("analyze", "torn.h5", ranks=ranks)
    assert torn.code == 65 and "row 5 of the channel period" in torn.err
    # What it says to do does it: --resume mends a file that is not complete, and leaves one that is.
    assert "--overwrite" in torn.err and "--resume" not in torn.err
    part = forge(small, tmp_path / "part.h5")
    flip(part, "period", 5)
    torn = run("analyze", part, ranks=ranks)
    assert torn.code == 65 and "row 5 of the channel period" in torn.err and "--resume" in torn.err
    counts, _ = read(small, "iterations")
    counts[9, 4] = 301
    high = run("analyze", forge(small, tmp_path / "high.h5", counts=counts), ranks=ranks)
    assert high.code == 65 and "row 9" in high.err and "301" in high.err
    for rows, words in ((dict(rank=-1), "/rows/rank of row 0"), (dict(rank=2**30), "/rows/rank"),
                        (dict(seconds=np.nan), "/rows/seconds"), (dict(seconds=-1.0), "/rows/seconds")):
        bad = run("analyze", forge(small, tmp_path / "bad.h5", **rows), ranks=ranks)
        assert bad.code == 65 and words in bad.err
    (tmp_path / "text.h5").write_text("no data set")
    assert run("analyze", "text.h5", ranks=ranks).code == 65
    (tmp_path / "cut.h5").write_bytes(small.read_bytes()[:9000])
    assert run("analyze", "cut.h5", ranks=ranks).code == 65
    assert run("analyze", "nowhere.h5", ranks=ranks).code == 74


def test_sums_that_are_not_those_of_the_file(run, tmp_path, small):
    """Data and rows' checksums changed together: the checksum of the whole tells."""
    counts, _ = read(small, "iterations")
    counts[9, 4] += 1
    path = forge(small, tmp_path / "other.h5", counts=counts)
    with h5py.File(path, "r+") as file:
        file["run"].attrs.modify("complete", np.uint8(1))
    other = run("analyze", path, ranks=2)
    assert other.code == 65 and "are not what it says" in other.err


def test_output(run, tmp_path, small):
    assert run("analyze", small, "--json", "no/where.json").code == 73
    assert run("analyze", small, "--csv", "/dev/full").code == 74
    assert run("analyze", small, "--json", "-", "--csv", "-").code == 64
    assert run("analyze", ranks=2).code == 64
    assert run("analyze", small, "--top", 1001).code == 64
    speed = run("analyze", small)
    assert "GB/s" in speed.err and "GB/s" not in speed.out
    run("analyze", small, "--csv", "a.csv", "--top", 0, "--quiet").ok()
    with open(tmp_path / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["section"] for row in rows} >= {"total", "quantile", "area", "box", "rank"} and len(rows) > 50
    assert not [row for row in rows if row["section"] == "row"]


def figures(path):
    with h5py.File(path, "r") as file:
        assert file["analysis"].attrs["valid"] == 1
        return file["analysis/figures"][()]


def test_append(run, tmp_path, small):
    path = tmp_path / "a.h5"
    shutil.copy(small, path)
    with h5py.File(path, "r") as file:
        assert file["analysis"].attrs["valid"] == 0
    run("analyze", path, "--append", "--csv", "a.csv", "--quiet", ranks=3).ok()
    found = figures(path)
    with open(tmp_path / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(f["section"].decode(), f["key"].decode(), f["count"], f["value"], f["error"]) for f in found] == [
        (row["section"], row["key"], int(row["count"]), float(row["value"]), float(row["error"])) for row in rows]
    size = path.stat().st_size
    run("analyze", path, "--append", "--top", 0, "--quiet").ok()
    assert len(figures(path)) == len(found) - 10 and path.stat().st_size == size
    run("check", path).ok()
    assert (read(path, "iterations")[0] == read(small, "iterations")[0]).all()
    read_only = tmp_path / "gone" / "b.h5"
    assert run("analyze", read_only, "--append").code == 74


def test_append_killed_at_any_time_leaves_the_data(run, tmp_path, small):
    path = tmp_path / "a.h5"
    shutil.copy(small, path)
    begin = time.monotonic()
    run("analyze", path, "--append", "--quiet").ok()
    usual = time.monotonic() - begin
    for k in range(12):
        process = subprocess.Popen([PROGRAM, "analyze", path, "--append", "--quiet"], stdout=subprocess.DEVNULL)
        time.sleep(usual * (0.4 + 0.06 * k))
        process.send_signal(signal.SIGKILL)
        process.wait()
        run("check", path).ok()
        with h5py.File(path, "r") as file:
            assert file["analysis"].attrs["valid"] in (0, 1)
            if file["analysis"].attrs["valid"]:
                assert file["analysis/figures"][0]["section"] == b"total"
    run("analyze", path, "--append", "--quiet").ok()
    assert len(figures(path)) > 50


EXPRESSIONS = {
    "period == 3": lambda v: v["period"] == 3,
    "count >= 50 && !inside": lambda v: (v["count"] >= 50) & (v["count"] < 300),
    "inside": lambda v: v["count"] == 300,
    "not iterations < 290 and re > -0.5": lambda v: (v["count"] >= 290) & (v["re"] > -0.5),
    "abs(im) < 0.1 or row == 3 && column > 40": lambda v: (abs(v["im"]) < 0.1) | ((v["row"] == 3) & (v["column"] > 40)),
    "-2*(re+0.25) - im/4 <= 1e-1 && count!=2": lambda v: (-2 * (v["re"] + 0.25) - v["im"] / 4 <= 0.1) & (v["count"] != 2),
    "count > 300": lambda v: v["count"] > 300,
}


@pytest.mark.parametrize("limit", (1, 7, 100000))
def test_find(run, small, limit):
    counts, period, re, im, _ = read(small, "iterations", "period", "re", "im")
    row, column = np.indices(counts.shape)
    values = dict(count=counts, period=period, re=re[column], im=im[row], row=row, column=column)
    for number, (text, function) in enumerate(EXPRESSIONS.items()):
        known = np.argwhere(function(values))
        found = json.loads(
            run("analyze", small, "--find", text, "--limit", limit, "--json", "-", ranks=RANKS[number % 5]).ok().out)
        assert [(hit["row"], hit["column"]) for hit in found["hit"]] == [tuple(place) for place in known[:limit]], text
        assert found["all"] == (len(known) < limit)
        for hit in found["hit"][:20]:
            j, i = hit["row"], hit["column"]
            assert (hit["re"], hit["im"]) == (re[i], im[j])
            assert (hit["iterations"], hit["period"]) == (counts[j, i], period[j, i])


def test_find_is_the_same_on_every_number_of_ranks(run, tmp_path):
    """Many bands, so that ranks are rounds apart; also more ranks than bands."""
    run("--region=-2:1,1.5:-1.5", "--size", "9000x300", "--max-iter", 100, "--output", "a.h5", ranks=2).ok()
    for text, limit in (("count == 77", 40), ("count == 1234", 1)):
        outs = {run("analyze", "a.h5", "--find", text, "--limit", limit, ranks=ranks).ok().out for ranks in (*RANKS, 14)}
        assert len(outs) == 1
    counts, _ = read(tmp_path / "a.h5", "iterations")
    j, i = np.argwhere(counts == 100)[0]
    assert f"\n{j} {i} " in run("analyze", "a.h5", "--find", "inside", ranks=3).ok().out


@pytest.mark.parametrize("text, where, what", (
    ("period = 3", "character 8", "'=='"),
    ("count >", "at its end", "expected a number or a name"),
    ("perod == 3", "character 1", "did you mean 'period'"),
    ("count >= 5)", "character 11", "expected an operator"),
    ("(count >= 5", "at its end", "expected ')'"),
    ("1 < count < 5", "character 11", "join them by &&"),
    ("count & 3", "character 7", "expected an operator"),
    ("", "at its end", "expected a number or a name"),
    ("2x < 3", "character 1", "expected a number"),
    ("1e999 < 3", "character 1", "expected a number"),
    ("abs 3", "character 5", "expected '('"),
    ("(" * 100 + "1", "character 65", "64"),
    ("1" + "+1" * 300, "--find", "too long"),
), ids=range(13))
def test_wrong_expressions(run, small, text, where, what):
    result = run("analyze", small, "--find=" + text)
    assert result.code == 64 and where in result.err and what in result.err, result.err


def test_find_needs_what_the_file_has(run, small):
    result = run("analyze", small, "--find", "distance < 0.5", ranks=2)
    assert result.code == 65 and "no channel distance" in result.err
    assert run("analyze", small, "--find", "inside", "--limit", 0).code == 64
    alone = run("analyze", small, "--limit", 3, ranks=2)
    assert alone.code == 64 and "--find" in alone.err
    assert run("analyze", "nowhere.h5", "--find", "inside", ranks=2).code == 74


@pytest.mark.parametrize("form", ("json", "csv"))
def test_names_are_tried_before_the_work(run, tmp_path, form):
    """So a name that cannot be is found before the file is read, which here is none."""
    result = run("analyze", "nowhere.h5", "--" + form, "no/such/a.out", ranks=2)
    assert result.code == 73 and "no/such/a.out" in result.err
    (tmp_path / "kept").write_text("as it was")
    assert run("analyze", "nowhere.h5", "--" + form, "kept", ranks=2).code == 74
    assert [path.name for path in tmp_path.glob("kept*")] == ["kept"] and (tmp_path / "kept").read_text() == "as it was"
