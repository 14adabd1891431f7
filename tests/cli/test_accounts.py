"""Where the time went: the figures of a run agree with each other, in the summary, --stats, the file, and the trace."""

import json
import re

import h5py
import pytest

from conftest import STRATEGIES

# Half a second or so on one rank, whatever the machine: long beside opening and closing the file.
VIEW = ["--center=-0.5,0", "--span", "0.4", "--size", "400x300", "--max-iter", "10000", "--interior", "none"]
SHARES = ("busy", "waiting", "writing", "talking")


def is_wall_time(rank, stats, part=0.02):
    """A rank is in one state at a time, so its shares are the wall time."""
    return sum(rank[share] for share in SHARES) == pytest.approx(stats["seconds"], rel=part, abs=0.005)


@pytest.fixture(params=STRATEGIES)
def figures(request, run, tmp_path):
    """A run on nodes of 2 and 1 ranks; some more when other work took the processor in the moment between a rank's clock and the
    run's, as it always may on a busy machine."""
    for _ in range(10):
        result = run(*VIEW, "--strategy", request.param, "--output", "a.h5", "--stats", "a.json", "--trace", "a.trace",
                     "--overwrite", ranks=3, hosts="a:2,b:1").ok()
        stats = json.loads((tmp_path / "a.json").read_text())
        if all(is_wall_time(rank, stats) for rank in stats["per_rank"]):
            break
    with h5py.File(tmp_path / "a.h5") as file:
        rows = file["run/ranks"][...]
    return (request.param, result.out, json.loads((tmp_path / "a.json").read_text()), rows,
            json.loads((tmp_path / "a.trace").read_text()))


def test_figures_agree(figures):
    strategy, summary, stats, rows, trace = figures
    assert stats["strategy"] == strategy and stats["ranks"] == 3 and stats["nodes"] == 2

    for rank in stats["per_rank"]:
        assert is_wall_time(rank, stats, 0.25), (rank, stats["seconds"])
    assert [rank["node"] for rank in stats["per_rank"]] == [0, 0, 1]
    assert sum(rank["rows"] for rank in stats["per_rank"]) == 300
    busy = [rank["busy"] for rank in stats["per_rank"]]
    assert stats["imbalance"] == pytest.approx(max(busy) * 3 / sum(busy), rel=1e-6)
    assert stats["efficiency"] == pytest.approx(sum(busy) / (3 * stats["seconds"]), rel=1e-6)

    # The file says the same of every rank.
    for rank, row in zip(stats["per_rank"], rows, strict=True):
        assert row["rows"] == rank["rows"] and row["iterations"] == rank["iterations"]
        assert row["node"] == rank["node"] and row["host"].decode() == rank["host"]
        for share in SHARES:
            assert row[share] == pytest.approx(rank[share], abs=1e-9)

    # The summary: mean, min, max of each share, and which rank on which host has most.
    for share in SHARES:
        values = [rank[share] for rank in stats["per_rank"]]
        line = re.search(rf"^{share} mean ([\d.]+) s, min ([\d.]+), max ([\d.]+) \(rank (\d+) on (\S+)\)", summary, re.M)
        assert line, summary
        mean, least, most = (float(text) for text in line.groups()[:3])
        assert (mean, least, most) == pytest.approx((sum(values) / 3, min(values), max(values)), abs=6e-4)
        slowest = stats["per_rank"][int(line[4])]
        assert slowest[share] == max(values) and slowest["host"] == line[5]

    # Strategies that talk by messages have sent some.
    assert (stats["messages"] > 0) == (strategy in ("pool", "pipeline"))
    assert (stats["message_bytes"] > 0) == (stats["messages"] > 0)

    # The trace: a track a rank, events one behind the other, adding up to the shares.
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    names = {event["tid"]: event["args"]["name"] for event in trace["traceEvents"] if event["ph"] == "M"}
    assert sorted(names) == [0, 1, 2] and "node 1" in names[2]
    for number, rank in enumerate(stats["per_rank"]):
        track = [event for event in events if event["tid"] == number]
        for before, after in zip(track, track[1:]):
            assert after["ts"] == pytest.approx(before["ts"] + before["dur"], abs=0.01)
        for share in SHARES:
            traced = sum(event["dur"] for event in track if event["name"] == share) * 1e-6
            assert traced == pytest.approx(rank[share], abs=1e-4 + 1e-6 * len(track))
    computed = {event["args"]["band"] for event in events if event["name"] == "busy" and "args" in event}
    assert len(computed) == -(-300 // stats["band"])
