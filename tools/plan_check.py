#!/usr/bin/env python3
"""What `plan` predicts against what `render` takes, here: for `make bench-plan`.

Each case is predicted and run in turn, so that both meet the machine in the same state; medians are compared. A line a case:
seconds predicted and taken (median, least and most), their ratio, and where the time of the ranks went. Exit 1: a median is off by more
than --within. Each run writes a file of its own, as `plan` does: memory that a file has just left may be several times as fast to write
to as memory that a virtual machine must first get from its host.

    tools/plan_check.py [-n REPETITIONS] [--only WORD,...] [--measure SECONDS] [--within SHARE] [--folder FOLDER] [--json FILE]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = Path(os.environ.get("HPCMANDEL", Path(__file__).parents[1] / "hpcmandel")).resolve()
MPIRUN = os.environ.get("MPIRUN") or shutil.which("mpirun.mpich") or "mpirun"
STRATEGIES = ["block", "cyclic", "pipeline", "pool", "counter", "hier", "predict"]

VIEWS = {
    "whole": ["--size", "6000x4000"],
    "valley": ["--center=-0.7463,0.1102", "--span", "0.005", "--max-iter", "10000", "--size", "2000x1400"],
    "julia": ["--julia=0.322,0.05", "--center=0,0", "--max-iter", "999", "--bailout", "4", "--size", "3000x3000"],
    "brute": ["--size", "1500x1000", "--interior", "none", "--max-iter", "2000"],
    "channels": ["--size", "2400x1600", "--channels", "iterations,smooth,distance,period"],
    "short": [],
}

# name, view, ranks, threads, strategies, further options
CASES = [(f"{view} {ranks}x{threads}", view, ranks, threads, ["counter"], []) for view in VIEWS for ranks, threads in ((1, 1), (2, 1), (1, 2))]
CASES += [("strategies", "valley", 2, 1, STRATEGIES, []), ("strategies channels", "channels", 2, 1, STRATEGIES, [])]
CASES += [(f"{io} {view} {ranks}x1", view, ranks, 1, ["counter"], ["--io", io])
          for io in ("independent", "collective", "funnel") for view in ("whole", "channels") for ranks in (1, 2)]


def launch(ranks, *words):
    """The program's standard output."""
    command = ([MPIRUN, "-np", str(ranks)] if ranks > 1 else []) + [str(PROGRAM), *map(str, words)]
    done = subprocess.run(["timeout", "-k", "5", "120", *command], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def predict(view, ranks, threads, options, output, measure):
    found = json.loads(launch(ranks, "plan", *view, *options, "--ranks", ranks, "--threads", threads, "--output", output, "--json",
                              "--measure", measure))
    return {s["name"]: s for s in found["strategies"]}, found


def run(view, ranks, threads, strategy, options, output):
    stats = output.with_suffix(".json")
    launch(ranks, "render", *view, *options, "--threads", threads, "--strategy", strategy, "--output", output, "--overwrite", "--quiet",
           "--stats", stats)
    return json.loads(stats.read_text())


def median(values):
    return statistics.median(values)


def check(case, repetitions, measure, folder):
    """The case's rows: a dict for each strategy."""
    name, view, ranks, threads, strategies, options = case
    predicted = {s: [] for s in strategies}
    taken = {s: [] for s in strategies}
    run(VIEWS[view], ranks, threads, strategies[0], options, folder / "warm.h5")
    for repetition in range(repetitions):
        found, machine = predict(VIEWS[view], ranks, threads, options, folder / "plan.h5", measure)
        for strategy in strategies:
            predicted[strategy].append({**found[strategy], "machine": machine["machine"]})
            taken[strategy].append(run(VIEWS[view], ranks, threads, strategy, options, folder / f"real-{strategy}-{repetition}.h5"))
    for path in folder.iterdir():
        path.unlink()
    rows = []
    for strategy in strategies:
        p = [x["seconds"] for x in predicted[strategy]]
        t = [x["seconds"] for x in taken[strategy]]
        mean = {key: median([statistics.fmean(r[key] for r in x["per_rank"]) for x in taken[strategy]])
                for key in ("busy", "waiting", "writing", "talking")}
        rows.append({"case": name, "strategy": strategy, "predicted": p, "taken": t, "ratio": median(p) / median(t),
                     "busy": [median([x["busy"] for x in predicted[strategy]]) / ranks, mean["busy"]],
                     "writing": [median([x["writing"] for x in predicted[strategy]]) / ranks, mean["writing"]],
                     "waiting": mean["waiting"], "talking": mean["talking"], "machine": predicted[strategy][0]["machine"]})
    return rows


def show(row):
    print(f"{row['case']:24} {row['strategy']:9} {median(row['predicted']):8.3f} [{min(row['predicted']):.3f} {max(row['predicted']):.3f}] "
          f"{median(row['taken']):8.3f} [{min(row['taken']):.3f} {max(row['taken']):.3f}]  {row['ratio']:5.2f}   "
          f"busy {row['busy'][0]:.3f} {row['busy'][1]:.3f} writing {row['writing'][0]:.3f} {row['writing'][1]:.3f} "
          f"waiting {row['waiting']:.3f} talking {row['talking']:.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--within", type=float, default=0.15)
    parser.add_argument("--measure", default="1")
    parser.add_argument("--folder")
    parser.add_argument("--json")
    options = parser.parse_args()
    words = [word for word in options.only.split(",") if word]
    cases = [case for case in CASES if not words or any(case[0].startswith(word) for word in words)]
    if not cases:
        parser.error(f"no case begins with {options.only}: there are " + ", ".join(case[0] for case in CASES))
    rows = []
    with tempfile.TemporaryDirectory(prefix="hpcmandel-plan-", dir=options.folder) as folder:
        for case in cases:
            for row in check(case, options.n, options.measure, Path(folder)):
                show(row)
                rows.append(row)
    if options.json:
        Path(options.json).write_text(json.dumps(rows))
    return any(abs(row["ratio"] - 1) > options.within for row in rows)


if __name__ == "__main__":
    sys.exit(main())
