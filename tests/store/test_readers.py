"""A data set file as other programs see it: h5py, xarray with both of its engines, netCDF's and HDF5's own tools."""

import json
import re
import subprocess
import zlib

import h5py
import numpy as np
import pytest
import xarray

from conftest import hpcmandel

WIDTH, HEIGHT, MAX_ITER = 53, 37, 200
RE0, RE1, IM0, IM1 = -2.13, 0.77, 1.3, -1.3
VIEW = [f"--region={RE0}:{RE1},{IM0}:{IM1}", "--size", f"{WIDTH}x{HEIGHT}", "--max-iter", MAX_ITER]


def textbook():
    """The counts by the definition, in plain floating-point numbers."""
    counts = np.full((HEIGHT, WIDTH), MAX_ITER, dtype=np.uint32)
    for row in range(HEIGHT):
        ci = IM0 + row * ((IM1 - IM0) / HEIGHT)
        for column in range(WIDTH):
            cr = RE0 + column * ((RE1 - RE0) / WIDTH)
            x = y = 0.0
            for n in range(MAX_ITER):
                x, y = x * x - y * y + cr, 2 * x * y + ci
                if x * x + y * y > 4:
                    counts[row, column] = n
                    break
    return counts


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("readers") / "view.h5"
    hpcmandel("render", *VIEW, "--output", path, ranks=2).ok()
    return path


def tool(*command):
    """Standard output of a program that must succeed and have nothing to complain of."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.stderr == ""
    return done.stdout


def test_h5py_sees_the_documented_objects(file):
    with h5py.File(file) as f:
        shapes = {
            "iterations": ("<u4", (HEIGHT, WIDTH)), "re": ("<f8", (WIDTH,)), "im": ("<f8", (HEIGHT,)),
            "rows/done": ("u1", (HEIGHT,)), "rows/crc32": ("<u4", (HEIGHT, 1)), "rows/work": ("<u8", (HEIGHT,)),
            "rows/seconds": ("<f8", (HEIGHT,)), "rows/rank": ("<i4", (HEIGHT,)), "rows/channel": ("<i4", (1,))}
        for name, (kind, shape) in shapes.items():
            assert (f[name].dtype, f[name].shape) == (np.dtype(kind), shape), name
        assert f["iterations"].chunks is None
        assert [scale.name for dimension in f["iterations"].dims for scale in dimension.values()] == ["/im", "/re"]
        assert f["iterations"].attrs["_FillValue"] == 4294967295
        for name in ("iterations", "re", "im", "rows/seconds"):
            assert f[name].attrs["long_name"] and f[name].attrs["units"]
        ranks = f["run/ranks"]
        assert ranks.shape == (2,)
        assert set(ranks.dtype.names) == {
            "host", "node", "isa", "threads", "rows", "iterations", "busy", "waiting", "writing", "talking"}
        assert ranks["rows"].sum() == HEIGHT
        assert f["run/history"].shape == (1,)


def test_the_data_are_the_textbooks(file):
    counts = textbook()
    with h5py.File(file) as f:
        stored = f["iterations"][...]
        assert (stored == counts).all()
        assert (f["re"][...] == [RE0 + i * ((RE1 - RE0) / WIDTH) for i in range(WIDTH)]).all()
        assert (f["im"][...] == [IM0 + j * ((IM1 - IM0) / HEIGHT) for j in range(HEIGHT)]).all()
        assert (f["rows/done"][...] == 1).all()
        assert f["rows/crc32"][:, 0].tolist() == [zlib.crc32(row.tobytes()) for row in counts]
        run = f["run"].attrs
        assert run["complete"] == 1
        assert run["crc32"] == zlib.crc32(counts.tobytes())
        assert run["sum"] == counts.sum(dtype=np.uint64)
        assert run["inside"] == (counts == MAX_ITER).sum()


def test_the_configuration_is_one_that_config_takes(file, tmp_path):
    with h5py.File(file) as f:
        text = f["run"].attrs["configuration"].decode()
        crc = f["run"].attrs["crc32"]
    again = tmp_path / "again.h5"
    text = re.sub(r"^output = .*$", "", text, flags=re.M)
    (tmp_path / "again.ini").write_text(text, encoding="utf-8")
    hpcmandel("render", "--config", tmp_path / "again.ini", "--output", again).ok()
    with h5py.File(again) as f:
        assert f["run"].attrs["crc32"] == crc


@pytest.mark.parametrize("engine", ("h5netcdf", "netcdf4"))
def test_xarray(file, engine):
    with xarray.open_dataset(file, engine=engine) as data:
        assert dict(data.sizes) == {"im": HEIGHT, "re": WIDTH}
        assert data.iterations.dims == ("im", "re")
        # _FillValue makes xarray convert to floating point; every count there is fits exactly.
        assert (data.iterations.values == textbook()).all()
        nearest = data.iterations.sel(re=-0.1, im=0.1, method="nearest")
        assert nearest == MAX_ITER
    for group, dimensions in (("rows", {"im": HEIGHT, "channel": 1}), ("run", {"rank": 2, "session": 1})):
        with xarray.open_dataset(file, engine=engine, group=group) as data:
            assert dict(data.sizes) == dimensions


def test_xarray_without_conversion_keeps_the_type(file):
    with xarray.open_dataset(file, engine="h5netcdf", mask_and_scale=False) as data:
        assert data.iterations.dtype == np.uint32


def test_netcdf_tools(file, tmp_path):
    header = tool("ncdump", "-h", file)
    assert f"im = {HEIGHT} ;" in header and f"re = {WIDTH} ;" in header
    assert "uint iterations(im, re)" in header
    assert "phony" not in header
    data = tool("ncdump", "-v", "iterations", file).split("iterations =")[-1].split(";")[0]
    assert [int(number) for number in re.findall(r"\d+", data)] == textbook().ravel().tolist()
    copy = tmp_path / "copy.nc"
    tool("nccopy", "-d", "5", "-s", file, copy)
    with xarray.open_dataset(copy, engine="netcdf4") as data:
        assert (data.iterations.values == textbook()).all()


def test_hdf5_tools(file, tmp_path):
    header = tool("h5dump", "-H", file)
    for name in ("iterations", "re", "im", "done", "crc32", "work", "seconds", "rank", "ranks", "history"):
        assert f'DATASET "{name}"' in header
    copy = tmp_path / "copy.h5"
    tool("h5repack", "-f", "GZIP=5", file, copy)
    tool("h5diff", file, copy)


def test_copies_by_other_tools_are_read(file, tmp_path):
    copy = tmp_path / "copy.h5"
    tool("h5repack", "-f", "SHUF", "-f", "GZIP=5", file, copy)
    assert "true:" in hpcmandel("check", copy).ok().out


def test_two_strategies_differ_in_no_channel(file, tmp_path):
    other = tmp_path / "other.h5"
    hpcmandel("render", *VIEW, "--output", other, "--strategy", "cyclic", "--band", "2", ranks=3).ok()
    # Not /im: h5diff follows the references of a dimension scale, here to the times that the rows took.
    for name in ("/iterations", "/re", "/rows/crc32", "/rows/done"):
        tool("h5diff", file, other, name)


def test_rows_not_done_are_told(tmp_path):
    path = tmp_path / "stopped.h5"
    stopped = hpcmandel("render", "--size", "1500x1000", "--max-iter", "2000000", "--output", path, "--time-limit", "0.3")
    assert stopped.code == 75
    with h5py.File(path) as f:
        done = f["rows/done"][...]
        assert f["run"].attrs["complete"] == 0
        assert 0 <= done.sum() < 1000
        assert not f["iterations"][np.flatnonzero(done == 0)[0]].any()
        for row in np.flatnonzero(done)[:20]:
            assert zlib.crc32(f["iterations"][row].tobytes()) == f["rows/crc32"][row, 0]
        assert f["run/history"]["ended"][0] != b""


def test_a_changed_bit_is_found(file, tmp_path):
    whole = file.read_bytes()
    with h5py.File(file) as f:
        data = f["iterations"].id.get_offset()
    for offset, words in ((data + 4000, "data"), (600, "damaged"), (9, "damaged")):
        broken = bytearray(whole)
        broken[offset] ^= 16
        path = tmp_path / "broken.h5"
        path.write_bytes(broken)
        result = hpcmandel("check", path)
        assert result.code == 65
        assert words in result.err and "broken.h5" in result.err


def test_provenance_is_plain_text(file):
    with h5py.File(file) as f:
        run = {key: value.decode() if isinstance(value, bytes) else value for key, value in f["run"].attrs.items()}
    for key in ("version", "revision", "compiler", "mpi", "hdf5", "host"):
        assert run[key], key
    json.dumps({key: str(value) for key, value in run.items()})
