"""Hints for MPI-IO and the alignment of channels: they change no data, and bad ones are usage errors."""

import re

import h5py
import pytest

from conftest import hpcmandel

VIEW = ["--size", "300x200", "--max-iter", 300]


@pytest.mark.parametrize("io", ("independent", "collective", "funnel"))
def test_hints_known_and_unknown(tmp_path, io):
    plain = hpcmandel("render", *VIEW, "--output", tmp_path / "plain.h5").ok().summary["crc32"]
    path = tmp_path / "hinted.h5"
    result = hpcmandel("render", *VIEW, "--output", path, "--io", io, "--hint", "cb_nodes=1,romio_cb_write=enable",
                       "--hint", "no_such_hint=1", ranks=3).ok()
    assert result.summary["crc32"] == plain
    assert "hint = cb_nodes=1,romio_cb_write=enable,no_such_hint=1\n" in hpcmandel("check", path).ok().out


def test_hints_from_a_file(tmp_path):
    (tmp_path / "a.ini").write_text('hint = cb_nodes=2,cb_buffer_size=1048576\nsize = 50x40\nalignment = 65536\n')
    hpcmandel("render", "--config", tmp_path / "a.ini", "--output", tmp_path / "a.h5", ranks=2).ok()
    (tmp_path / "again.ini").write_text(hpcmandel("check", tmp_path / "a.h5").ok().out)
    hpcmandel("render", "--config", tmp_path / "again.ini", "--overwrite", ranks=2).ok()
    out = hpcmandel("check", tmp_path / "a.h5").ok().out
    assert re.search(r"^hint = .*cb_nodes=2,cb_buffer_size=1048576", out, re.M) and "\nalignment = 65536\n" in out


@pytest.mark.parametrize("hint", ("", "cb_nodes", "=4", "cb_nodes=", "a=1,,b=2", "a=1,", "k" * 300 + "=1", "k=" + "v" * 1100))
@pytest.mark.parametrize("ranks", (None, 2))
def test_malformed_hints(tmp_path, hint, ranks):
    result = hpcmandel("render", *VIEW, "--output", tmp_path / "x.h5", f"--hint={hint}", ranks=ranks)
    assert result.code == 64 and "hint" in result.err and result.err.count("error:") == 1
    assert not (tmp_path / "x.h5").exists()


@pytest.mark.parametrize("alignment", (4096, 1 << 20))
def test_alignment(tmp_path, alignment):
    path = tmp_path / "a.h5"
    hpcmandel("render", *VIEW, "--channels", "iterations,smooth", "--output", path, "--alignment", alignment, ranks=2).ok()
    with h5py.File(path) as f:
        assert [f[channel].id.get_offset() % alignment for channel in ("iterations", "smooth")] == [0, 0]


@pytest.mark.parametrize("alignment", ("0", "1000", "-4096", "4k", str(1 << 40)))
def test_bad_alignment(tmp_path, alignment):
    result = hpcmandel("render", *VIEW, "--output", tmp_path / "x.h5", f"--alignment={alignment}")
    assert result.code == 64 and "alignment" in result.err
