#!/usr/bin/python3
"""hpcmandel against the textbook's loop compiled by Numba: one thread each, the same view, the same counts, in the same run.

    tools/bench_numba.py [--size N] [--max-iter N] [--repetitions N] [--csv FILE]

The view is the EuroSciPy 2012 tutorial's (-2.13 to 0.77, 1.3 to -1.3). Numba's loop is strict IEEE (no fastmath) and compiled
before it is timed; of hpcmandel, the time in the kernel counts, as the file says. Both really write all counts to memory. By turns,
so that a machine whose speed drifts is fair; factors are taken turn by turn. Where Numba is not installed: says so, ends with 0.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = Path(os.environ.get("HPCMANDEL", Path(__file__).parents[1] / "hpcmandel")).resolve()
RE0, RE1, IM0, IM1 = -2.13, 0.77, 1.3, -1.3


def numba_loop():
    """The textbook's loop as people write it."""
    import numba
    import numpy

    @numba.njit(nogil=True)
    def mandelbrot(width, height, max_iter):
        counts = numpy.empty((height, width), numpy.uint32)
        for row in range(height):
            ci = IM0 + row * ((IM1 - IM0) / height)
            for column in range(width):
                cr = RE0 + column * ((RE1 - RE0) / width)
                x = y = 0.0
                n = 0
                while n < max_iter:
                    x, y = x * x - y * y + cr, 2.0 * x * y + ci
                    if x * x + y * y > 4.0:
                        break
                    n += 1
                counts[row, column] = n
        return counts

    mandelbrot(8, 8, 8)
    return numba.__version__, mandelbrot


def hpcmandel(options, file):
    """(seconds in the kernel, sum of the counts) of one run."""
    import h5py

    subprocess.run([PROGRAM, "render", "--threads", "1", "--quiet", "--progress", "never", "--overwrite", "--output", file, *options],
                   check=True, stdout=subprocess.DEVNULL)
    with h5py.File(file) as data:
        return float(data["run/ranks"]["busy"].sum()), int(data["run"].attrs["sum"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--max-iter", type=int, default=1000)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--csv", help="also write the figures there")
    given = parser.parse_args()
    try:
        version, mandelbrot = numba_loop()
        import h5py  # noqa: F401
    except ImportError as error:
        print(f"skipped: {error.name} is not installed (apt-get install --no-install-recommends python3-numba python3-h5py)")
        return 0
    view = [f"--region={RE0}:{RE1},{IM0}:{IM1}", "--size", f"{given.size}x{given.size}", "--max-iter", str(given.max_iter)]
    ways = {"none": [*view, "--interior", "none"], "exact": [*view, "--interior", "exact"]}
    seconds = {"numba": [], **{way: [] for way in ways}}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(given.repetitions):
            begin = time.perf_counter()
            counts = mandelbrot(given.size, given.size, given.max_iter)
            seconds["numba"].append(time.perf_counter() - begin)
            total = int(counts.sum(dtype="u8"))
            for way, options in ways.items():
                spent, found = hpcmandel(options, Path(folder) / "view.h5")
                if found != total:
                    print(f"the sums differ: Numba {total}, hpcmandel --interior {way} {found}", file=sys.stderr)
                    return 1
                seconds[way].append(spent)
    print(f"{given.size} x {given.size}, max-iter {given.max_iter}, one thread, sum {total}, medians of {given.repetitions}")
    print(f"{'':34} {'seconds':>9} {'x Numba':>9} {'least..most':>16}")
    lines = []
    for name, way in ((f"Numba {version}, textbook loop", "numba"), ("hpcmandel --interior none", "none"),
                      ("hpcmandel", "exact")):
        factors = [slow / fast for slow, fast in zip(seconds["numba"], seconds[way])]
        lines.append((way, statistics.median(seconds[way]), statistics.median(factors), min(factors), max(factors)))
        print(f"{name:34} {lines[-1][1]:9.4f} {lines[-1][2]:9.1f} {f'{lines[-1][3]:.1f}..{lines[-1][4]:.1f}':>16}")
    if given.csv:
        with open(given.csv, "w", encoding="ascii") as file:
            file.write("way,seconds,times_numba,least,most\n")
            file.writelines(",".join(map(str, line)) + "\n" for line in lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
