"""Compressed copies and XDMF sidecars by `export`, as others read them."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as xml

import h5py
import numpy as np
import pytest

from conftest import hpcmandel

WIDTH, HEIGHT = 211, 97
CHANNELS = ("iterations", "smooth", "distance", "period")
VIEW = ["--size", f"{WIDTH}x{HEIGHT}", "--max-iter", 200, "--channels", ",".join(CHANNELS), "--center=-0.7,0.1"]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "view.h5"
    hpcmandel("render", *VIEW, "--output", path, ranks=2).ok()
    return path


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory):
    path = tmp_path_factory.mktemp("unfinished") / "view.h5"
    assert hpcmandel("render", "--size", "900x600", "--max-iter", 5000000, "--time-limit", "0.2", "--output", path).code == 75
    return path


@pytest.mark.parametrize("ranks", (None, 3))
def test_a_compressed_copy(file, tmp_path, ranks):
    copy = tmp_path / "copy.h5"
    out = hpcmandel("export", file, "--compress", copy, ranks=ranks).ok().out
    stored, plain, ratio = re.search(r"^bytes (\d+) of (\d+), ratio ([\d.]+)$", out, re.M).groups()
    assert int(plain) == WIDTH * HEIGHT * 4 * len(CHANNELS)
    assert float(ratio) > 1.5 and abs(int(plain) / int(stored) - float(ratio)) < 0.01
    with h5py.File(copy) as f:
        for channel in CHANNELS:
            assert f[channel].compression == "gzip" and f[channel].shuffle
        assert int(stored) == sum(f[channel].id.get_storage_size() for channel in CHANNELS)
    for channel in CHANNELS:
        # Not numbers are equal to nothing; h5diff counts them as equal.
        diff = subprocess.run(["h5diff", file, copy, f"/{channel}"], capture_output=True, text=True, timeout=60, check=False)
        assert diff.returncode == 0 and not diff.stdout, diff.stdout
    assert "# true: " in hpcmandel("check", copy, ranks=2).ok().out
    assert hpcmandel("render", *VIEW, "--output", copy, "--resume").ok().summary["sum"] > 0  # it is complete


def test_levels(file, tmp_path):
    sizes = []
    for level in (1, 9):
        out = hpcmandel("export", file, "--compress", tmp_path / f"{level}.h5", "--level", level).ok().out
        sizes.append(int(re.search(r"^bytes (\d+)", out, re.M).group(1)))
    assert sizes[1] < sizes[0]
    assert hpcmandel("export", file, "--compress", tmp_path / "x.h5", "--level", 10).code == 64


@pytest.mark.parametrize("ranks", (None, 3))
def test_what_cannot_be_compressed(file, unfinished, tmp_path, ranks):
    taken = tmp_path / "taken.h5"
    taken.write_text("mine")
    result = hpcmandel("export", file, "--compress", taken, ranks=ranks)
    assert result.code == 73 and "--overwrite" in result.err and taken.read_text() == "mine"
    hpcmandel("export", file, "--compress", taken, "--overwrite", ranks=ranks).ok()
    assert hpcmandel("export", file, "--compress", tmp_path / "none" / "x.h5", ranks=ranks).code == 73
    result = hpcmandel("export", unfinished, "--compress", tmp_path / "part.h5", ranks=ranks)
    assert result.code == 65 and "--resume" in result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken.h5"]


def test_a_torn_source_gives_no_copy(file, tmp_path):
    torn = tmp_path / "torn.h5"
    with h5py.File(file) as f:
        offset = f["smooth"].id.get_offset()
    whole = bytearray(file.read_bytes())
    whole[offset + 4 * WIDTH * 50] ^= 1
    torn.write_bytes(whole)
    result = hpcmandel("export", torn, "--compress", tmp_path / "copy.h5", ranks=2)
    assert result.code == 65 and "1 rows" in result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["torn.h5"]


def follow(sidecar):
    """Name to (values, X, Y of the nodes) of each attribute, as a reader of XDMF finds them."""
    grid = xml.parse(sidecar).getroot().find("./Domain/Grid")
    topology = grid.find("Topology")
    assert topology.get("TopologyType") == "3DCoRectMesh"
    shape = [int(n) for n in topology.get("Dimensions").split()]
    assert grid.find("Geometry").get("GeometryType") == "ORIGIN_DXDYDZ"
    origin, step = ([float(x) for x in item.text.split()] for item in grid.findall("Geometry/DataItem"))
    found = {}
    for attribute in grid.findall("Attribute"):
        assert attribute.get("Center") == "Node"
        item = attribute.find("DataItem")
        path, name = item.text.split(":")
        with h5py.File(sidecar.parent / path) as f:
            values = f[name][...]
        kind = {"UInt": "u", "Float": "f"}[item.get("NumberType")]
        assert (values.dtype.kind, values.dtype.itemsize) == (kind, int(item.get("Precision")))
        assert [int(n) for n in item.get("Dimensions").split()] == shape == [1, *values.shape]
        found[attribute.get("Name")] = (values, origin[2] + step[2] * np.arange(shape[2]), origin[1] + step[1] * np.arange(shape[1]))
    return found


@pytest.mark.parametrize("where", ("beside", "elsewhere", "compressed", "moved", "odd & <name>"))
def test_xdmf(file, tmp_path, where):
    with h5py.File(file) as f:
        wanted = {channel: f[channel][...] for channel in CHANNELS}
        re, im = f["re"][...], f["im"][...]
    source = tmp_path / f"{where}.h5"
    shutil.copy(file, source)
    sidecar = tmp_path / "view.xmf"
    if where == "elsewhere":
        (tmp_path / "other").mkdir()
        sidecar = tmp_path / "other" / "view.xmf"
    if where == "compressed":
        hpcmandel("export", file, "--compress", source, "--overwrite").ok()
    hpcmandel("export", source.name, "--xdmf", sidecar, cwd=tmp_path).ok()
    if where == "moved":
        (tmp_path / "moved").mkdir()
        for path in (source, sidecar):
            shutil.move(path, tmp_path / "moved")
        sidecar = tmp_path / "moved" / "view.xmf"
    found = follow(sidecar)
    assert list(found) == list(CHANNELS)
    for channel, (values, x, y) in found.items():
        assert np.array_equal(values, wanted[channel], equal_nan=values.dtype.kind == "f")
        assert np.abs(x - re).max() < 1e-15 and np.abs(y - im).max() < 1e-15


def test_xdmf_of_an_unfinished_file(unfinished, tmp_path):
    hpcmandel("export", unfinished, "--xdmf", tmp_path / "x.xmf", ranks=2).ok()
    assert list(follow(tmp_path / "x.xmf")) == ["iterations"]


def test_xdmf_that_cannot_be(file, tmp_path):
    shutil.copy(file, tmp_path / "12:30.h5")
    result = hpcmandel("export", tmp_path / "12:30.h5", "--xdmf", tmp_path / "x.xmf")
    assert result.code == 64 and "colon" in result.err
    assert hpcmandel("export", file, "--xdmf", tmp_path / "none" / "x.xmf", ranks=2).code == 73
    assert [path.name for path in tmp_path.iterdir()] == ["12:30.h5"]


LOOK = """
import sys
from paraview import servermanager, simple
reader = simple.XDMFReader(FileNames=[sys.argv[1]]) if sys.argv[2] == "2" else simple.Xdmf3ReaderS(FileName=[sys.argv[1]])
reader.UpdatePipeline()
data = servermanager.Fetch(reader)
while data.IsA("vtkCompositeDataSet"):
    leaves = data.NewIterator()
    leaves.InitTraversal()
    data = leaves.GetCurrentDataObject()
values = data.GetPointData().GetArray("iterations")
print("SEEN", *data.GetDimensions(), *data.GetPoint(5 * data.GetDimensions()[0] + 7), *(int(values.GetTuple1(i)) for i in range(0, 20000, 999)))
"""


@pytest.mark.skipif(not shutil.which("pvpython"), reason="ParaView is not installed; the reference is followed by h5py alone")
@pytest.mark.parametrize("reader", "23")
def test_xdmf_in_paraview(file, tmp_path, reader):
    (tmp_path / "look.py").write_text(LOOK, encoding="utf-8")
    shutil.copy(file, tmp_path / "view.h5")
    hpcmandel("export", tmp_path / "view.h5", "--xdmf", tmp_path / "view.xmf").ok()
    done = subprocess.run(["pvpython", tmp_path / "look.py", tmp_path / "view.xmf", reader], capture_output=True, text=True,
                          timeout=100, check=False)
    seen = re.search(r"^SEEN (.*)$", done.stdout, re.M).group(1).split()
    with h5py.File(file) as f:
        assert [int(n) for n in seen[:3]] == [WIDTH, HEIGHT, 1]
        assert [float(x) for x in seen[3:5]] == pytest.approx([f["re"][7], f["im"][5]])
        assert [int(n) for n in seen[6:]] == f["iterations"][...].ravel()[0:20000:999].tolist()


def test_everything_in_one_call(file, tmp_path):
    hpcmandel("export", file, "--png", tmp_path / "a.png", "--xdmf", tmp_path / "a.xmf", "--compress", tmp_path / "a.h5", ranks=2).ok()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "a.png", "a.xmf"]


def test_the_data_set_file_is_not_replaced(file):
    for option in ("--png", "--xdmf"):
        result = hpcmandel("export", file, option, file, ranks=2)
        assert result.code == 64 and "itself" in result.err
    assert hpcmandel("export", file).code == 64
    hpcmandel("check", file).ok()


def test_not_a_data_set(tmp_path):
    (tmp_path / "text.h5").write_text("words")
    for option in ("--png", "--xdmf", "--compress"):
        assert hpcmandel("export", tmp_path / "text.h5", option, tmp_path / "out", ranks=2).code == 65
        assert hpcmandel("export", tmp_path / "none.h5", option, tmp_path / "out", ranks=2).code == 74
    assert [path.name for path in tmp_path.iterdir()] == ["text.h5"]
