"""Counts of iterations that others have published, or that a loop in NumPy gives."""

import hashlib
import zlib

import h5py
import numpy as np
import pytest

from conftest import ROOT, STRATEGIES, together

CONFIGS = ROOT / "configs"

# EuroSciPy 2012 tutorial at w = 100, 500, 1000, 2000, which it halves: points a side asked for, coordinates, the
# grid that follows from them, sum of the iterations, points at max-iter. 51214485 is in the tutorial itself.
EUROSCIPY = (
    (50, "accumulated", "50 x 50", 509274, 497),
    (250, "accumulated", "250 x 251", 12798231, 12501),
    (500, "accumulated", "500 x 500", 51214485, 50066),
    (1000, "accumulated", "1001 x 1000", 204826551, 200282),
    (50, "exact", "50 x 50", 518094, 507),
    (250, "exact", "250 x 250", 12839047, 12544),
    (500, "exact", "500 x 500", 51298208, 50160),
    (1000, "exact", "1000 x 1000", 204986318, 200453),
)

# Of the case with the sum 51214485, as the loop in NumPy below gives it.
EUROSCIPY_CRC32 = "c66d6d07"

# Updates (n + 1) at c = -0.75 + 10^-k i: the digits of pi (OEIS A097486).
PI = (3, 33, 315, 3143, 31417, 314160, 3141593)


def iterations(path):
    """The channel as an array [height][width]."""
    with h5py.File(path, "r") as file:
        return file["iterations"][()]


def crc32(counts):
    """The checksum as the summary prints it."""
    return f"{zlib.crc32(counts.astype('<u4').tobytes()):08x}"


def counts_by_numpy(re, im, max_iter):
    """The textbook loop with bailout 2 over the grid re x im, in NumPy's doubles."""
    cr, ci = (part.ravel() for part in np.meshgrid(re, im))
    x, y = np.zeros_like(cr), np.zeros_like(cr)
    left = np.arange(cr.size)
    counts = np.full(cr.size, max_iter, dtype=np.uint32)
    for n in range(max_iter):
        x, y = x * x - y * y + cr, 2 * x * y + ci
        escaped = x * x + y * y > 4
        if escaped.any():
            counts[left[escaped]] = n
            stays = ~escaped
            left, x, y, cr, ci = left[stays], x[stays], y[stays], cr[stays], ci[stays]
    return counts.reshape(len(im), len(re))


def accumulate(start, step, below):
    """The tutorial's coordinates: the step added again and again while `below` holds."""
    found = []
    while below(start):
        found.append(start)
        start += step
    return np.array(found)


@pytest.mark.parametrize("side, coords, grid, total, inside", EUROSCIPY)
def test_euroscipy(run, side, coords, grid, total, inside):
    summary = run("--region=-2.13:0.77,1.3:-1.3", "--size", f"{side}x{side}", "--coords", coords, "--max-iter", 1000,
                  "--bailout", 2, "--output", "a.h5", ranks=2).ok().summary
    assert (summary["grid"], summary["sum"], summary["inside"]) == (grid, total, inside)


def test_euroscipy_config_is_numpys_bit_for_bit(run, tmp_path):
    summary = run("--config", CONFIGS / "euroscipy2012.ini", "--output", "a.h5", "--png", "a.png").ok().summary
    assert (summary["sum"], summary["inside"]) == (51214485, 50066)
    found = iterations(tmp_path / "a.h5")
    assert found.dtype == np.uint32
    re = accumulate(-2.13, (0.77 + 2.13) / 1000 * 2, lambda x: x < 0.77)
    im = accumulate(1.3, (-1.3 - 1.3) / 1000 * 2, lambda y: y > -1.3)
    assert np.array_equal(found, counts_by_numpy(re, im, 1000))
    assert summary["crc32"] == crc32(found) == EUROSCIPY_CRC32
    with h5py.File(tmp_path / "a.h5", "r") as file:
        assert np.array_equal(file["re"][()], re) and np.array_equal(file["im"][()], im)


def is_euroscipy(result):
    summary = result.ok().summary
    assert (summary["sum"], summary["inside"], summary["crc32"]) == (51214485, 50066, EUROSCIPY_CRC32)


@pytest.mark.parametrize("ranks", (1, 2, 3, 7))
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_euroscipy_strategies_and_ranks(run, strategy, ranks):
    is_euroscipy(run("--config", CONFIGS / "euroscipy2012.ini", "--strategy", strategy, "--output", "a.h5", "--png",
                     "a.png", ranks=ranks))


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Results of 64 ranks by strategy: started once, as that takes seconds."""
    lines = [("render", "--config", CONFIGS / "euroscipy2012.ini", "--strategy", strategy, "--output", f"{strategy}.h5", "--png",
              f"{strategy}.png") for strategy in STRATEGIES]
    return dict(zip(STRATEGIES, together(lines, cwd=tmp_path_factory.mktemp("crowd"), ranks=64, timeout=900)))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_euroscipy_on_64_ranks(crowd, strategy):
    assert f"\nstrategy {strategy}" in crowd[strategy].out and "\nranks 64 x 1 thread" in crowd[strategy].out
    is_euroscipy(crowd[strategy])


@pytest.mark.parametrize("strategy", ("counter", "pipeline"))
def test_euroscipy_on_64_ranks_of_their_own(run, strategy):
    """As a user starts them."""
    is_euroscipy(run("--config", CONFIGS / "euroscipy2012.ini", "--strategy", strategy, "--output", "a.h5", "--png", "a.png",
                     ranks=64, timeout=600))


def test_rse_julia(run):
    summary = run("--config", CONFIGS / "rse2018-julia.ini", "--output", "a.h5", "--png", "a.png", ranks=2).ok().summary
    assert summary["grid"] == "2001 x 2001"
    assert summary["inside"] == 949739
    assert summary["inside"] / 2001**2 == 0.23719749320741929


def test_benchmark_game(run, tmp_path):
    run("--config", CONFIGS / "benchmarkgame.ini", "--output", "a.h5", "--png", "a.png", ranks=2).ok()
    bits = np.packbits(iterations(tmp_path / "a.h5") == 50, axis=1).tobytes()
    assert len(bits) == 31752
    assert hashlib.md5(bits).hexdigest() == "15c00e9a39837854b019d7d1c4c04d30"


@pytest.mark.parametrize("k", range(len(PI)))
def test_digits_of_pi(run, k):
    # The only point of a 1 x 1 grid is the region's first corner.
    im = f"{10.0 ** -k:.{k}f}"
    summary = run(f"--region=-0.75:0.25,{im}:9", "--size", "1x1", "--max-iter", 4000000, "--output", "a.h5").ok().summary
    assert summary["sum"] + 1 == PI[k]
    assert summary["inside"] == 0
