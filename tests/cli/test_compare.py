"""compare: which points of two files differ, the same on every number of ranks."""

import json
import shutil
import struct
import subprocess
import zlib

import h5py
import numpy as np
import pytest

from conftest import PROGRAM

VIEW = ("--center=-0.6,0.1", "--span", "3", "--size", "70x53", "--max-iter", "300")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file and one with some points changed."""
    folder = tmp_path_factory.mktemp("files")
    subprocess.run([PROGRAM, *VIEW, "--channels", "iterations,smooth", "--output", folder / "a.h5"], check=True,
                   capture_output=True, timeout=300)
    shutil.copy(folder / "a.h5", folder / "b.h5")
    random = np.random.default_rng(3)
    with h5py.File(folder / "b.h5", "r+") as file:
        counts, smooth = file["iterations"][()], file["smooth"][()]
        rows, columns = random.integers(5, 50, 40), random.integers(8, 66, 40)
        counts[rows, columns] = random.integers(0, 301, 40)
        smooth[20, 30:34] = (np.nan, 1e30, np.inf, 1e-30)
        file["iterations"][...] = counts
        file["smooth"][...] = smooth
    return folder / "a.h5", folder / "b.h5"


def test_same(run, tmp_path, files):
    result = run("compare", files[0], files[0], ranks=3)
    assert result.code == 0 and "they are the same" in result.out
    run(*VIEW, "--channels", "iterations,smooth", "--strategy", "pool", "--output", "c.h5", ranks=3).ok()
    assert run("compare", files[0], "c.h5", ranks=2).code == 0
    run(*VIEW, "--output", "d.h5").ok()
    less = run("compare", "d.h5", files[0])
    assert less.code == 0 and "only the second has the channel smooth" in less.out


def test_differences_are_those_of_numpy(run, tmp_path, files):
    outs = set()
    for ranks in (1, 2, 3, 5, 8, 60):
        result = run("compare", *files, "--json", "c.json", ranks=ranks, timeout=600)
        assert result.code == 1 and result.err == ""
        outs.add((result.out, (tmp_path / "c.json").read_bytes()))
    assert len(outs) == 1 and "they differ" in outs.pop()[0]
    found = json.loads((tmp_path / "c.json").read_text())
    assert found["differ"] is True and found["rows"] == 53 and found["rows_only"] == [0, 0]
    values = []
    for path in files:
        with h5py.File(path, "r") as file:
            values.append({name: file[name][()].astype(float) for name in ("iterations", "smooth")})
    for name, channel in found["channels"].items():
        a, b = values[0][name], values[1][name]
        differ = ~((a == b) | (np.isnan(a) & np.isnan(b)))
        with np.errstate(invalid="ignore"):
            by = abs(a - b)[differ]
        finite = by[np.isfinite(by)]
        places = np.argwhere(differ)
        assert channel["differ"] == len(places) > 0 and channel["unordered"] == len(by) - len(finite)
        assert channel["first"] == places[0].tolist()
        assert channel["rows"] == [places[:, 0].min(), places[:, 0].max()]
        assert channel["columns"] == [places[:, 1].min(), places[:, 1].max()]
        assert channel["most"] == finite.max()
        assert channel["mean"] == pytest.approx(finite.mean(), rel=1e-14)
        for entry in channel["histogram"]:
            assert entry["to"] == 2 * entry["from"]
            assert entry["points"] == np.count_nonzero((finite >= entry["from"]) & (finite < entry["to"])) > 0
        assert sum(entry["points"] for entry in channel["histogram"]) == len(finite)


def test_rows_that_only_one_has(run, tmp_path, files):
    shutil.copy(files[0], tmp_path / "c.h5")
    with h5py.File(tmp_path / "c.h5", "r+") as file:
        file["rows/done"][10:13] = 0
    result = run("compare", files[0], "c.h5", "--json", ranks=4)
    assert result.code == 1
    found = json.loads(result.out)
    assert found["rows_only"] == [3, 0] and found["rows"] == 50
    assert all(channel["differ"] == 0 for channel in found["channels"].values())


@pytest.mark.parametrize("other, what", (
    (("--size", "71x53"), "the width is 70 in one and 71"),
    (("--span", "2.5"), "the first column's real part"),
    (("--center=-0.6,0.2",), "the first row's imaginary part"),
    (("--julia=0.1,0.2",), "a Julia set"),
))
def test_not_comparable(run, files, other, what):
    run(*VIEW, *other, "--output", "c.h5").ok()
    result = run("compare", files[0], "c.h5", ranks=2)
    assert result.code == 65 and what in result.err, result.err
    assert result.out == "" and result.err.count("error:") == 1


def test_other_settings_are_compared(run, files):
    run(*VIEW, "--max-iter", 200, "--output", "c.h5").ok()
    result = run("compare", files[0], "c.h5")
    assert result.code == 1 and "max-iter 300 and 200" in result.out


def test_errors(run, tmp_path, files):
    assert run("compare", files[0], ranks=2).code == 64
    assert run("compare", files[0], "nowhere.h5", ranks=2).code == 74
    for form in ("json", "png"):
        early = run("compare", files[0], "nowhere.h5", "--" + form, "no/such/a.out", ranks=2)
        assert early.code == 73 and "no/such/a.out" in early.err
    (tmp_path / "text.h5").write_text("no data set")
    assert run("compare", "text.h5", files[0], ranks=2).code == 65
    assert run("compare", files[0], files[0], "--png", "no/where.png").code == 73
    assert run("compare", files[0], files[0], "--json", "no/where.json").code == 73


def pixels(path):
    data = path.read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    at, body = 8, b""
    while at < len(data):
        length = struct.unpack(">I", data[at:at + 4])[0]
        if data[at + 4:at + 8] == b"IDAT":
            body += data[at + 8:at + 8 + length]
        at += 12 + length
    return np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, 1 + 3 * width)[:, 1:].reshape(height, width, 3)


def test_picture(run, tmp_path, files):
    result = run("compare", *files, "--png", "d.png", ranks=3)
    assert result.code == 1
    shown = pixels(tmp_path / "d.png")
    with h5py.File(files[0], "r") as a, h5py.File(files[1], "r") as b:
        differ = (a["iterations"][()] != b["iterations"][()])
        differ[20, 30:34] = True
    grey = (shown == shown[:, :, :1]).all(axis=2)
    assert (grey == ~differ).all()
    assert shown[grey].max() < 100 and (shown[differ][:, 0] == 255).all()
