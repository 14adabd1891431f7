"""`check FILE`: what it says of a file is true, on any number of ranks, and its output is a configuration."""

import re
import shutil
import subprocess

import h5py
import numpy as np
import pytest

from conftest import hpcmandel

WIDTH, HEIGHT = 301, 203
VIEW = ["--size", f"{WIDTH}x{HEIGHT}", "--max-iter", 300, "--channels", "iterations,smooth", "--center=-0.5,0.2"]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("check") / "view.h5"
    hpcmandel("render", *VIEW, "--output", path, ranks=2).ok()
    return path


def found(result):
    return dict(re.findall(r"^# (sum|inside|crc32|rows) (.*)$", result.out, re.M))


@pytest.mark.parametrize("ranks", (None, 2, 5))
def test_a_true_file(file, ranks):
    result = hpcmandel("check", file, ranks=ranks).ok()
    with h5py.File(file) as f:
        run = f["run"].attrs
        assert found(result) == {"rows": f"{HEIGHT} of {HEIGHT} done", "sum": str(run["sum"]), "inside": str(run["inside"]),
                                 "crc32": f"{run['crc32']:08x}"}
    assert f"checked by {ranks or 1} rank" in result.out and "\n# true: " in result.out
    assert re.search(r"^# session 1: .* 2 ranks x 1 thread.*: complete$", result.out, re.M)


def test_more_ranks_than_rows(tmp_path):
    hpcmandel("render", "--size", "40x3", "--output", tmp_path / "small.h5").ok()
    assert "# true: " in hpcmandel("check", tmp_path / "small.h5", ranks=8).ok().out


def test_what_it_prints_is_a_configuration(file, tmp_path):
    """As a whole, comments and all."""
    (tmp_path / "again.ini").write_text(hpcmandel("check", file).ok().out, encoding="utf-8")
    again = tmp_path / "again.h5"
    hpcmandel("render", "--config", tmp_path / "again.ini", "--output", again).ok()
    assert found(hpcmandel("check", again).ok()) == found(hpcmandel("check", file))


def torn(file, path, rows, channel="iterations"):
    """A copy in which these rows have a bit changed."""
    with h5py.File(file) as f:
        start = f[channel].id.get_offset()
    whole = bytearray(file.read_bytes())
    for row in rows:
        whole[start + (row * WIDTH + 17) * 4] ^= 64
    path.write_bytes(whole)
    return path


@pytest.mark.parametrize("ranks", (None, 3))
@pytest.mark.parametrize("channel", ("iterations", "smooth"))
def test_torn_rows_are_named(file, tmp_path, ranks, channel):
    result = hpcmandel("check", torn(file, tmp_path / "torn.h5", (0, 7, 8, 9, 202), channel), ranks=ranks)
    assert result.code == 65
    assert "5 rows" in result.err and ": 0, 7 to 9, 202;" in result.err and "--overwrite" in result.err
    assert "# true" not in result.out
    assert result.err.count("hpcmandel: error:") == 1


def test_many_torn_rows_are_counted(file, tmp_path):
    result = hpcmandel("check", torn(file, tmp_path / "torn.h5", range(0, HEIGHT, 2)), ranks=2)
    assert result.code == 65
    assert "102 rows" in result.err and "and 94 more places" in result.err


def unsealed(file, path):
    """A copy whose headers may be changed: of other programs' making."""
    subprocess.run(["h5repack", str(file), str(path)], check=True, timeout=300)
    return path


def test_long_stretches_of_torn_rows_are_one_place_each(file, tmp_path):
    """Also those that are too many to be named."""
    rows = [row for place in range(10) for row in range(20 * place, 20 * place + 10)]
    result = hpcmandel("check", torn(file, tmp_path / "torn.h5", rows))
    assert "100 rows" in result.err and "140 to 149, and 2 more places;" in result.err


def test_figures_that_are_not_those_of_the_data(file, tmp_path):
    for key in ("sum", "inside", "crc32"):
        path = unsealed(file, tmp_path / f"{key}.h5")
        with h5py.File(path, "r+") as f:
            old = f["run"].attrs[key]
            f["run"].attrs.modify(key, old + old.dtype.type(1))
        result = hpcmandel("check", path, ranks=2)
        assert result.code == 65
        text = (lambda number: f"{number:08x}") if key == "crc32" else str
        assert key in result.err and text(old) in result.err and text(old + old.dtype.type(1)) in result.err


def test_complete_without_all_rows(file, tmp_path):
    path = unsealed(file, tmp_path / "lacks.h5")
    with h5py.File(path, "r+") as f:
        f["rows/done"][20:23] = 0
    result = hpcmandel("check", path)
    assert result.code == 65 and "3 rows are not marked done" in result.err


def test_an_incomplete_file(file, tmp_path):
    """True as far as it goes; a torn row is told, and resuming mends it."""
    path = unsealed(file, tmp_path / "part.h5")
    with h5py.File(path, "r+") as f:
        f["run"].attrs.modify("complete", np.uint8(0))
        f["rows/done"][100:] = 0
    result = hpcmandel("check", path, ranks=2).ok()
    assert "# rows 100 of 203 done" in result.out and "--resume" in result.out
    with h5py.File(path, "r+") as f:
        f["smooth"][50, 3] += 1
    result = hpcmandel("check", path, ranks=2)
    assert result.code == 65 and ": 50;" in result.err and "--resume" in result.err
    hpcmandel("render", *VIEW, "--output", path, "--resume", ranks=2).ok()
    assert found(hpcmandel("check", path).ok()) == found(hpcmandel("check", file))


def test_no_such_file_and_no_data_set(tmp_path):
    assert hpcmandel("check", tmp_path / "none.h5", ranks=2).code == 74
    shutil.copy(__file__, tmp_path / "text.h5")
    assert hpcmandel("check", tmp_path / "text.h5", ranks=2).code == 65
