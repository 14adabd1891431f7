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
        diff = subprocess.run(["h5diff", file, copy, f"/{channel}"], capture_output=True, text=True, timeout=300, check=False)
        assert diff.returncode == 0 and not diff.stdout, diff.stdout
    assert "# true: " in hpcmandel("check", copy, ranks=2).ok().out
    assert hpcmandel("render", *VIEW, "--output", copy, "--resume").ok().summary["sum"] > 0  # it is complete


def describe(path):
    """All that is in a file but the seal: kinds, shapes, values, attributes, scales."""
    found = {}

    def plain(value):
        return repr(value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value)

    def look(name, item):
        if name == "run/seal":
            return
        scales = {"DIMENSION_LIST", "REFERENCE_LIST"}
        about = {key: plain(item.attrs[key]) for key in item.attrs if key not in scales}
        if isinstance(item, h5py.Dataset):
            values = np.float32(0) if item.shape is None else item[()]
            about["values"] = values.tobytes() if isinstance(values, (np.ndarray, np.generic)) and values.dtype.kind in "iufV" else plain(values)
            about["shape"], about["dtype"] = item.shape, item.dtype
            if item.shape and not h5py.h5ds.is_scale(item.id):
                about["scales"] = [[scale.name for scale in dimension.values()] for dimension in item.dims]
        found[name] = about

    with h5py.File(path) as f:
        f.visititems(look)
        look("/", f)
        found["links"] = {name: f.get(name, getlink=True).path for name in f if isinstance(f.get(name, getlink=True), h5py.SoftLink)}
    return found


@pytest.mark.parametrize("ranks", (None, 3))
def test_all_else_comes_along(file, tmp_path, ranks):
    """Fields, figures, and what users put into their files, wherever they put it."""
    source, copy = tmp_path / "source.h5", tmp_path / "copy.h5"
    shutil.copy(file, source)
    hpcmandel("analyze", source, "--append", "--quiet").ok()
    field = np.random.default_rng(3).normal(size=(49, 106)).round(3)
    with h5py.File(source, "r+") as f:
        f.attrs["author"] = "Zoë"
        f["run"].attrs["weather"] = np.array([1.5, 2.5])
        f["iterations"].attrs["comments"] = ["one", "three"]
        f["potential"] = field
        f["potential"].attrs["capacity"] = 1.0
        for dimension, name, length in ((0, "potential_im", 49), (1, "potential_re", 106)):
            f[name] = np.arange(float(length))
            f[name].make_scale(name)
            f["potential"].dims[dimension].attach_scale(f[name])
        f["potential"].attrs["field"] = f["potential"].ref
        notes = f.create_group("notes/of/mine")
        notes["text"] = "seen on a Sunday"
        notes["wide"] = np.arange(900 * 4000, dtype="<u8").reshape(900, 4000) // 1000
        notes["cube"] = np.zeros((3, 4, 5), "i2")
        notes["none"] = np.zeros((0, 7))
        notes["on"] = h5py.Empty("f")
        notes["kind"] = np.dtype("<i4")
        f["shortcut"] = h5py.SoftLink("/notes/of/mine/text")
        f["nowhere"] = h5py.SoftLink("/nothing")
    out = hpcmandel("export", source, "--compress", copy, ranks=ranks).ok().out
    wanted, found = describe(source), describe(copy)
    assert wanted["potential"].pop("field") and "field" not in found["potential"], "references do not reach into other files"
    for name in wanted.keys() | found.keys():
        if name == "/":
            wanted[name].pop("history"), found[name].pop("history")
        assert found.get(name) == wanted.get(name), name
    assert found["links"] == {"shortcut": "/notes/of/mine/text", "nowhere": "/nothing"}
    assert found["potential"]["scales"] == [["/potential_im"], ["/potential_re"]]
    with h5py.File(copy) as f:
        assert f["potential"].compression == f["notes/of/mine/wide"].compression == "gzip"
        assert h5py.h5ds.is_scale(f["potential_im"].id) and f["analysis"].attrs["valid"] == 1
    plain = int(re.search(r"^bytes \d+ of (\d+)", out, re.M).group(1))
    assert plain == WIDTH * HEIGHT * 4 * len(CHANNELS) + field.nbytes + 900 * 4000 * 8
    assert "# true: " in hpcmandel("check", copy, ranks=2).ok().out
    # A copy of a copy has it all too.
    hpcmandel("export", copy, "--compress", tmp_path / "again.h5", ranks=ranks).ok()
    again = describe(tmp_path / "again.h5")
    again["/"].pop("history")
    assert again == found


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
    assert result.code == 73 and "--overwrite" in result.err and "--resume" not in result.err and taken.read_text() == "mine"
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
                          timeout=300, check=False)
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
