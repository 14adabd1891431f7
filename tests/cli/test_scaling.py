"""`make scaling` in small: the study of this machine, gone on with, and its page."""

import csv
import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def scaling(folder):
    env = {key: value for key, value in os.environ.items() if not key.startswith(("HPCMANDEL_", "SLURM", "PBS"))}
    env.update(HPCMANDEL=os.environ.get("HPCMANDEL", str(ROOT / "hpcmandel")), SCALING_SIZE="120x80", SCALING_REPETITIONS="1",
               SCALING_CORES="1")
    done = subprocess.run(["timeout", "-k", "5", "900", ROOT / "tools/scaling.sh", folder], env=env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_scaling(tmp_path):
    folder = tmp_path / "study"
    out = scaling(folder)
    strong, weak = (list(csv.DictReader((folder / name).open())) for name in ("strong.csv", "weak.csv"))
    assert len(strong) == 2 * (7 + 2 * 2) and len(weak) == 2 * 3
    assert {run["status"] for run in strong + weak} == {"ok"} and len({run["crc32"] for run in strong}) == 1
    for run in strong:
        assert int(run["processors"]) >= 1 and int(run["band"]) >= 1 and run["isa"] and run["revision"] and run["compiler"] and run["mpi"]
        assert float(run["imbalance_iterations"]) >= 0.999
        shares = [float(run[name]) for name in ("efficiency", "io_share", "talking_share", "waiting_share")]
        assert 0 < sum(shares) < 1.05, run  # opening the file is nobody's share
    # A line for each point, one for each round.
    assert len(re.findall(r"^hpcmandel: (?:strong|weak): ", out, re.M)) == 7 + 2 * 2 + 3, out
    assert len(re.findall(r"^hpcmandel: repetition \d of 1 of the (?:strong|weak) study", out, re.M)) == 2 * 3, out
    assert "hpcmandel: runs " not in out
    assert "predicted s" in out and "nothing is predicted" not in out
    # Runs of one repetition stand together: what is compared lies near in time.
    first = [run["repetition"] for run in strong[:14]]
    assert first == ["0"] * 7 + ["1"] * 7
    page = (folder / "index.html").read_text()
    assert page.count("<figure") == page.count("</figure>") == 10
    if shutil.which("gnuplot"):
        assert len(list((folder / "figures").glob("*.png"))) == 10

    # Again: nothing is measured but the row that was cut short, as by a full disk, and one that is not there.
    lines = (folder / "strong.csv").read_text().splitlines()
    (folder / "strong.csv").write_text("\n".join(lines[:-2]) + "\n" + lines[-1][:50])
    out = scaling(folder)
    assert len(re.findall(r"^hpcmandel: (?:strong|weak): ", out, re.M)) == 2, out
    assert sorted(line.split(",")[:10] for line in (folder / "strong.csv").read_text().splitlines()) == \
        sorted(line.split(",")[:10] for line in lines)
