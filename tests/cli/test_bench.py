"""`bench kernel` and the comparison with Numba run, verify their counts, and say figures. How high these are is not tested."""

import csv
import subprocess
import sys

from conftest import PROGRAM, ROOT


def test_bench_kernel(tmp_path):
    table = tmp_path / "kernel.csv"
    done = subprocess.run(
        [PROGRAM, "bench", "kernel", "--scene", "seahorse", "--repetitions", "1", "--seconds", "0.002", "--csv", table],
        capture_output=True, text=True, check=True, timeout=300)
    assert "of ceil." in done.stdout
    with open(table, encoding="ascii") as file:
        lines = list(csv.DictReader(file))
    found = {(line["isa"], line["arith"], line["interior"], line["channels"]) for line in lines}
    for arith in ("ieee", "fma"):
        for interior in ("none", "exact"):
            assert ("scalar", arith, interior, "counts") in found
            for isa in {line["isa"] for line in lines} - {"scalar"}:
                assert {(isa, arith, interior, "counts"), (isa, arith, interior, "all")} <= found
    assert all(float(line[key]) > 0 for line in lines for key in ("updates_per_s", "fraction", "times_scalar", "times_counts"))


def test_numba():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "bench_numba.py", "--size", "40", "--max-iter", "100", "--repetitions", "1"],
        capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("skipped: ") or "x Numba" in done.stdout
