"""What export makes of data set files: parts, sizes, tones, relief, strips, frames, tile pyramids and their page."""

import shutil
import subprocess

import h5py
import numpy as np
import pytest
from PIL import Image

from conftest import hpcmandel

VIEW = ("--center=-0.6,0.4", "--span", 1.5, "--size", "700x530", "--max-iter", 300)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    hpcmandel(*VIEW, "--channels", "iterations,smooth,distance", "--output", "v.h5", ranks=2, cwd=folder).ok()
    hpcmandel(*VIEW, "--output", "counts.h5", cwd=folder).ok()
    return folder / "v.h5"


def picture(path):
    with Image.open(path) as image:
        assert image.mode == "RGB"
        return np.asarray(image)


def linear(rgb):
    value = rgb / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def test_a_region_is_the_points_in_it(run, tmp_path, file):
    run("export", file, "--png", "part.png", "--region=-0.7:-0.3,0.2:0.5", "--palette", "viridis").ok()
    with h5py.File(file) as data:
        columns = np.flatnonzero((data["re"][...] >= -0.7) & (data["re"][...] < -0.3))
        rows = np.flatnonzero((data["im"][...] >= 0.2) & (data["im"][...] < 0.5))
    assert picture(tmp_path / "part.png").shape == (len(rows), len(columns), 3)


def test_a_line_says_what_was_made(run, file):
    """Nothing where it could come behind a picture that goes to the same place."""
    wanted = ["--png", "s.png", "--xdmf", "s.xmf", "--dzi", "s", "--frames", "s%d.png", "--compress", "s.h5", "--overwrite"]
    assert run("export", file, *wanted, ranks=2).ok().out.splitlines()[:5] == [
        "png s.png", "dzi s", "frames s%d.png", "xdmf s.xmf", "compressed s.h5"]
    wanted[wanted.index("s")] = "t"
    assert run("export", file, *wanted, "--quiet", ranks=2).ok().out == ""
    assert run("export", file, "--png", "/dev/null").ok().out == ""


def test_scale_averages_light(run, tmp_path, file):
    run("export", file, "--png", "full.png").ok()
    run("export", file, "--png", "small.png", "--scale", "1/3").ok()
    full, small = linear(picture(tmp_path / "full.png")), linear(picture(tmp_path / "small.png"))
    assert small.shape == (177, 234, 3)
    blocks = full[:528, :699].reshape(176, 3, 233, 3, 3).mean(axis=(1, 3))
    assert np.abs(small[:176, :233] - blocks).max() < 0.006
    # The last row and column have fewer points.
    assert np.abs(small[176, 233] - full[528:, 699:].mean(axis=(0, 1))).max() < 0.006


def test_equalized_uses_the_whole_palette_evenly(run, tmp_path, file):
    run("export", file, "--png", "e.png", "--tone", "equalized", "--palette", "grey").ok()
    run("export", file, "--png", "l.png", "--palette", "grey").ok()
    with h5py.File(file) as data:
        outside = data["iterations"][...] < 300
    def spread(name):
        return np.std(picture(tmp_path / name)[outside][:, 0].astype(float))
    assert spread("e.png") > 1.3 * spread("l.png")


def test_relief_lights_and_shades(run, tmp_path, file):
    run("export", file, "--png", "plain.png").ok()
    run("export", file, "--png", "relief.png", "--relief").ok()
    change = picture(tmp_path / "relief.png").astype(int).sum(axis=2) - picture(tmp_path / "plain.png").astype(int).sum(axis=2)
    assert (change > 5).mean() > 0.03 and (change < -5).mean() > 0.1
    with h5py.File(file) as data:
        inside = data["iterations"][...] == 300
    assert (change[inside] == 0).all()


def test_relief_goes_on_to_the_edges(run, tmp_path):
    """Where the plane is smooth, the last row and column are lit as those before; and so in tiles one point wide."""
    for size in (129, 513):
        run("--center=0.9,-0.9", "--span", 0.8, "--size", f"{size}x{size}", "--channels", "iterations,smooth,distance",
            "--output", f"{size}.h5").ok()
        run("export", f"{size}.h5", "--png", f"{size}.png", "--relief").ok()
    lit = picture(tmp_path / "129.png").astype(int)
    assert np.abs(np.diff(lit, axis=0)).max() <= 6 and np.abs(np.diff(lit, axis=1)).max() <= 6
    run("export", "513.h5", "--dzi", "s", "--relief", "--no-page", ranks=2).ok()
    tiles = [np.hstack([picture(tmp_path / f"s_files/10/{column}_{row}.png") for column in range(2)]) for row in range(2)]
    assert np.array_equal(np.vstack(tiles), picture(tmp_path / "513.png"))


def test_relief_where_the_distance_is_infinite(run, tmp_path):
    """At 0, where the potential of this Julia set has a critical point, the plane is taken as level."""
    run("--julia=0.3,0.6", "--center=0,0", "--span", 3.2, "--size", "40x40", "--channels", "iterations,smooth,distance", "--output",
        "j.h5").ok()
    with h5py.File(tmp_path / "j.h5") as data:
        assert np.argwhere(np.isinf(data["distance"][...])).tolist() == [[20, 20]]
    run("export", "j.h5", "--png", "plain.png").ok()
    run("export", "j.h5", "--png", "lit.png", "--relief").ok()
    plain, lit = picture(tmp_path / "plain.png").astype(int), picture(tmp_path / "lit.png").astype(int)
    assert (lit[20, 20] == plain[20, 20]).all()
    assert lit[19:21, 19:21].min() > 0.3 * plain[19:21, 19:21].min() > 0


def test_relief_needs_the_distance(run, file):
    result = run("export", file.parent / "counts.h5", "--png", "x.png", "--relief")
    assert result.code == 65 and "distance" in result.err


def test_strip_of_ranks(run, tmp_path, file):
    run("export", file, "--png", "r.png", "--ranks").ok()
    run("export", file, "--png", "n.png").ok()
    with_strip, without = picture(tmp_path / "r.png"), picture(tmp_path / "n.png")
    width = with_strip.shape[1] - without.shape[1]
    assert width >= 8 and (with_strip[:, width:] == without).all()
    with h5py.File(file) as data:
        rank = data["rows/rank"][...]
    colours = {r: {tuple(c) for c in with_strip[rank == r, 0]} for r in set(rank)}
    assert all(len(c) == 1 for c in colours.values()) and len(set.union(*colours.values())) == len(colours)


@pytest.mark.parametrize("arguments, word", [
    (("--region=5:6,5:6", "--png", "x.png"), "no point of the grid"),
    (("--region=1:2", "--png", "x.png"), "RE0:RE1,IM0:IM1"),
    (("--scale", "2", "--png", "x.png"), "1/N"),
    (("--scale", "1/0", "--png", "x.png"), "1/N"),
    (("--tone", "loud", "--png", "x.png"), "equalized"),
    ((), "nothing to make"),
    (("--dzi", "x", "--scale", "1/2", "--no-page"), "every scale"),
    (("--dzi", "x/", "--no-page"), "cannot be the name"),
    (("--frames", "x.png"), "%d"),
    (("--frames", "%s%d.png"), "%d"),
    (("--list", "none.txt", "--frames", "%d.png"), "none.txt"),
])
def test_usage(run, tmp_path, file, arguments, word):
    result = run("export", file, *arguments, ranks=2)
    assert result.code == 64 and word in result.err, result.err
    assert result.err.count("error") == 1
    assert not list(tmp_path.iterdir())


def pyramid(folder, name):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted((folder / f"{name}_files").glob("*/*.png"))}


def test_tiles(run, tmp_path, file):
    run("export", file, "--png", "whole.png").ok()
    run("export", file, "--dzi", "one", ranks=1).ok()
    run("export", file, "--dzi", "three.dzi", "--no-page", ranks=3).ok()
    whole = picture(tmp_path / "whole.png")
    one = pyramid(tmp_path, "one")
    assert [d.split("/", 1)[1] for d in one] == [d.split("/", 1)[1] for d in pyramid(tmp_path, "three")]
    assert list(one.values()) == list(pyramid(tmp_path, "three").values())
    assert sorted({int(name.split("/")[1]) for name in one}) == list(range(11))
    joined = np.vstack([np.hstack([picture(tmp_path / f"one_files/10/{x}_{y}.png") for x in (0, 1)]) for y in (0, 1)])
    assert (joined == whole).all()
    half = picture(tmp_path / "one_files/9/0_0.png")
    assert half.shape == (265, 350, 3)
    assert np.abs(linear(half) - linear(whole).reshape(265, 2, 350, 2, 3).mean(axis=(1, 3))).max() < 0.006
    assert picture(tmp_path / "one_files/0/0_0.png").shape == (1, 1, 3)
    descriptor = (tmp_path / "three.dzi").read_text()
    assert 'Width="700"' in descriptor and 'Height="530"' in descriptor and 'TileSize="512"' in descriptor
    assert not (tmp_path / "three.html").exists()
    # What is there is not overwritten.
    again = run("export", file, "--dzi", "one", ranks=2)
    assert again.code == 73 and "one_files" in again.err
    shutil.copy(file, tmp_path / "four.dzi")
    before = (tmp_path / "four.dzi").read_bytes()
    over = run("export", file, "--dzi", "four", "--no-page", ranks=2)
    assert over.code == 73 and "a data set file is there" in over.err and not (tmp_path / "four_files").exists()
    assert (tmp_path / "four.dzi").read_bytes() == before


def test_page_in_a_browser(run, tmp_path, file):
    """From the disk, without network, at two sizes: the picture is there and nothing complains."""
    name = "a 'view' & <more>"
    run("export", file, "--dzi", name, "--palette", "viridis").ok()
    assert (tmp_path / "openseadragon.LICENSE.txt").exists()
    page = (tmp_path / f"{name}.html").as_uri()
    chromium = shutil.which("chromium")
    assert chromium, "the tests need Debian's chromium"
    for size in ("1000,700", "420,800"):
        done = subprocess.run(
            [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={size}", "--virtual-time-budget=5000",
             "--enable-logging=stderr", f"--user-data-dir={tmp_path}/profile", f"--screenshot={tmp_path}/page.png", page],
            capture_output=True, text=True, timeout=300)
        console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        assert done.returncode == 0 and not console, console
        seen = picture(tmp_path / "page.png")
        assert len(np.unique(seen.reshape(-1, 3), axis=0)) > 500, "the page shows no picture"


def test_frames_share_their_exposure(run, tmp_path):
    paths = []
    for k, span in enumerate((2.0, 1.0, 0.5)):
        run("--center=-0.75,0.1", "--span", span, "--size", "64x48", "--max-iter", 200 + k, "--output", f"z{k}.h5").ok()
        paths.append(f"z{k}.h5")
    (tmp_path / "list.txt").write_text("\n".join(paths[1:]) + "\n")
    run("export", paths[0], "--list", "list.txt", "--frames", "f-%04d.png", ranks=2).ok()
    run("export", *paths, "--frames", "g%d.png", ranks=1).ok()
    frames = [picture(tmp_path / f"f-{k:04d}.png") for k in range(3)]
    assert all((frame == picture(tmp_path / f"g{k}.png")).all() for k, frame in enumerate(frames))
    # The same count has the same colour in every frame.
    colour = {}
    for path, frame in zip(paths, frames):
        with h5py.File(tmp_path / path) as data:
            counts = data["iterations"][...]
            limit = data["run"].attrs.get("max-iter", counts.max())
        for count in np.unique(counts[counts < int(limit)])[:40]:
            colour.setdefault(count, set()).update(map(tuple, frame[counts == count]))
    shared = [c for c in colour.values()]
    assert len(shared) > 20 and all(len(c) == 1 for c in shared)


def test_one_bad_frame_is_one_error(run, tmp_path, file):
    result = run("export", file, "missing.h5", "--frames", "f%d.png", ranks=2)
    assert result.code in (65, 74) and "missing.h5" in result.err and result.err.count("error") == 1


def test_rows_longer_than_what_is_read_at_once(run, tmp_path):
    """2^26 points are read at once."""
    width = 67_200_000
    run("--size", f"{width}x1", "--max-iter", 1, "--quiet", "--output", "wide.h5").ok()
    run("export", "wide.h5", "--png", "wide.png", "--scale", "1/100000").ok()
    assert picture(tmp_path / "wide.png").shape == (1, width // 100_000, 3)
    (tmp_path / "wide.h5").unlink()
