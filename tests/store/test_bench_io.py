"""`bench io`: a table of the ways to the file, the same as CSV, and nothing left behind."""

import csv
import re

import pytest

from conftest import hpcmandel


@pytest.mark.parametrize("ranks", (None, 3))
def test_every_way_has_its_figures(tmp_path, ranks):
    out = hpcmandel("bench", "io", "--megabytes", 20, "--repetitions", 2, "--folder", tmp_path, "--csv", tmp_path / "io.csv", ranks=ranks).ok().out
    assert re.search(r"^\w+ *\* ", out, re.M)
    with open(tmp_path / "io.csv", encoding="ascii") as file:
        rows = {row["way"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["pwrite", "independent", "collective", "funnel"]
    for row in rows.values():
        assert int(row["ranks"]) == (ranks or 1) and 19e6 < int(row["bytes"]) <= 20e6
        assert 0 < float(row["seconds_least"]) <= float(row["seconds"]) <= float(row["seconds_most"])
        assert float(row["seconds_disk"]) >= float(row["seconds_least"])
        assert float(row["mb_per_s"]) == pytest.approx(int(row["bytes"]) / 1e6 / float(row["seconds"]), rel=1e-4)
        assert float(row["of_pwrite"]) > 0
    assert float(rows["pwrite"]["of_pwrite"]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["io.csv"]


def test_one_way(tmp_path):
    out = hpcmandel("bench", "io", "--megabytes", 5, "--repetitions", 1, "--folder", tmp_path, "--way", "funnel", ranks=2).ok().out
    assert re.findall(r"^(pwrite|independent|collective|funnel)\b", out, re.M) == ["pwrite", "funnel"]


def test_what_cannot_be_measured(tmp_path):
    result = hpcmandel("bench", "io", "--way", "pigeon", ranks=2)
    assert result.code == 64 and "pigeon" in result.err
    result = hpcmandel("bench", "io", "--folder", tmp_path / "none", ranks=2)
    assert result.code == 73 and "none" in result.err and result.err.count("error:") == 1
