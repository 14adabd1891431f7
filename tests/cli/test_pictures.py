"""Pictures of data set files, and every config in configs/."""

import configparser
import struct
import zlib

import h5py
import numpy as np
import pytest

from conftest import ROOT

CONFIGS = sorted((ROOT / "configs").glob("*.ini"))
VIEW = ("--center=-0.6,0.4", "--span", 1.5, "--size", "60x45", "--max-iter", 300)


def chunks(path):
    """The chunks of a PNG, [(name, data)], with their checksums verified."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == zlib.crc32(name + body)
        found.append((name, body))
        at += 12 + length
    assert found[0][0] == b"IHDR" and found[-1][0] == b"IEND"
    return found


def pixels(path):
    """A PNG of 8-bit RGB as an array [height][width][3]."""
    found = chunks(path)
    width, height, depth, kind = struct.unpack(">IIBB", found[0][1][:10])
    assert (depth, kind) == (8, 2)
    rows = np.frombuffer(zlib.decompress(b"".join(body for name, body in found if name == b"IDAT")), np.uint8)
    rows = rows.reshape(height, 1 + 3 * width)
    assert not rows[:, 0].any(), "rows are written without PNG filters"
    return rows[:, 1:].reshape(height, width, 3)


def settings(path):
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.read(path)
    return {key: value for section in parser.sections() for key, value in parser[section].items()}


def test_there_are_configs():
    assert len(CONFIGS) >= 8


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_config(run, tmp_path, config):
    """Runs as it is but for its size; says what it shows; writes where nothing else does."""
    (tmp_path / "results").mkdir()
    # Accumulated coordinates may give a column more than asked for.
    run("--config", config, "--size", "36x24", "--coords", "exact", ranks=2).ok()
    found = settings(config)
    assert config.read_text().startswith("# ")
    assert found["output"] == f"results/{config.stem}.h5"
    assert found["png"] == f"results/{config.stem}.png"
    picture = pixels(tmp_path / found["png"])
    assert picture.shape[:2] == (24, 36)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 8


def test_png_and_export_agree(run, tmp_path):
    run(*VIEW, "--output", "a.h5", "--png", "a.png", ranks=3).ok()
    run("export", "a.h5", "--png", "b.png").ok()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "a.png", "b.png"]


def test_same_counts_same_colours(run, tmp_path):
    run(*VIEW, "--output", "a.h5", "--png", "a.png").ok()
    with h5py.File(tmp_path / "a.h5", "r") as file:
        counts = file["iterations"][()]
    picture = pixels(tmp_path / "a.png").astype(int)
    colours = picture @ (65536, 256, 1)
    for count in np.unique(counts):
        assert len(np.unique(colours[counts == count])) == 1
    inside = picture[counts == 300]
    assert len(inside) > 100 and (inside.sum(axis=1) < 60).all()


def test_palettes(run, tmp_path):
    run(*VIEW, "--output", "a.h5").ok()
    seen = set()
    for name in ("gilded", "ember", "lagoon", "dusk", "viridis", "inferno", "cividis", "grey"):
        run("export", "a.h5", "--png", f"{name}.png", "--palette", name).ok()
        seen.add(pixels(tmp_path / f"{name}.png").tobytes())
    assert len(seen) == 8
    bad = run("export", "a.h5", "--png", "x.png", "--palette", "beige")
    assert bad.code == 64 and "gilded" in bad.err
    assert not (tmp_path / "x.png").exists()


def test_rows_not_computed_are_hatched(run, tmp_path):
    run(*VIEW, "--output", "a.h5", "--png", "whole.png").ok()
    undone = [0, 17, 18, 44]
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        done = file["rows/done"][()]
        done[undone] = 0
        file["rows/done"][...] = done
    run("export", "a.h5", "--png", "part.png").ok()
    part = pixels(tmp_path / "part.png")
    hatched = part[undone].reshape(-1, 3)
    assert (hatched == hatched[:, :1]).all() and len(np.unique(hatched)) == 2
    kept = [row for row in range(45) if row not in undone]
    grey = (part[kept] == part[kept][:, :, :1]).all(axis=2)
    assert not grey.any()
    assert pixels(tmp_path / "whole.png").shape == part.shape


@pytest.mark.parametrize("ranks", (None, 4))
def test_full_disk_and_bad_places(run, tmp_path, ranks):
    run(*VIEW, "--output", "a.h5").ok()
    full = run("export", "a.h5", "--png", "/dev/full", ranks=ranks)
    assert full.code == 74 and "No space left" in full.err
    nowhere = run("export", "a.h5", "--png", "no/such/folder.png", ranks=ranks)
    assert nowhere.code == 73 and "no/such/folder.png" in nowhere.err
    folder = run("export", "a.h5", "--png", ".", ranks=ranks)
    assert folder.code == 73
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5"]


@pytest.mark.parametrize("ranks", (None, 2))
def test_a_complete_run_gets_its_picture(run, tmp_path, ranks):
    """Killed behind its last row, a run goes on with what is left: the picture."""
    first = run(*VIEW, "--output", "a.h5", "--png", "a.png").ok()
    again = run(*VIEW, "--output", "a.h5", "--png", "b.png", "--resume", ranks=ranks).ok()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    for key in ("grid", "sum", "inside", "crc32"):
        assert again.summary[key] == first.summary[key]
    assert again.summary["rows"] == "45 of 45 done, 0 in this run"
    result = run(*VIEW, "--output", "a.h5", "--png", "none/b.png", "--resume", ranks=ranks)
    assert result.code == 73 and result.err.count("error:") == 1
