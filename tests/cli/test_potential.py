"""potential: PETSc's solution against the escape times, its place in the file, its errors."""

import json
import os
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest

from conftest import PROGRAM
from test_pictures import pixels

VIEW = ("--center=-0.75,0", "--span", "5", "--max-iter", "2000", "--quiet")
CHANNELS = ("--channels", "iterations,smooth,distance")

WITH_PETSC = "none" not in [
    line.split()[1] for line in subprocess.run([str(PROGRAM), "--version"], capture_output=True, text=True,
                                               check=True).stdout.splitlines() if line.startswith("petsc")]
needs_petsc = pytest.mark.skipif(not WITH_PETSC, reason="built with WITH_PETSC=0")


def figures(run, tmp_path, *args, **options):
    run("potential", "--json", "figures.json", *args, **options).ok()
    return json.loads((tmp_path / "figures.json").read_text())


@pytest.fixture(name="small")
def small_file(run, tmp_path):
    run(*VIEW, *CHANNELS, "--size", "65x64", "--output", "a.h5").ok()
    return tmp_path / "a.h5"


@pytest.mark.skipif(WITH_PETSC, reason="built with PETSc")
def test_without_petsc(run, small):
    result = run("potential", small.name)
    assert result.code == 69 and "PETSc" in result.err


@needs_petsc
def test_errors_fall_like_the_step_and_iterations_stay(run, tmp_path):
    """Against the escape times, with nothing of them on the rim; the capacity is 1."""
    found = []
    for size in (65, 129, 257):
        run(*VIEW, *CHANNELS, "--size", f"{size}x{size}", "--output", f"{size}.h5").ok()
        found.append(figures(run, tmp_path, f"{size}.h5", "--no-store", ranks=2))
    for figure in found:
        assert figure["rim"] == "far"
        assert figure["capacity"]["charge"] == 1
        assert figure["iterations"] <= 14
    rms = [figure["error"]["rms"] for figure in found]
    assert rms[2] < 4e-3 and rms[2] < rms[1] < rms[0] and rms[2] < rms[0] / 2.5
    capacity = [abs(figure["capacity"]["error"]) for figure in found]
    assert capacity[2] < 4e-3 and capacity[0] < 2e-2
    assert abs(found[2]["capacity"]["centre"] + 0.5) < 5e-3
    assert abs(found[2]["capacity"]["rim_low_mean_high"][1]) < 5e-3


@needs_petsc
def test_ranks_and_awkward_sizes(run, tmp_path):
    """Sizes that do not halve, and more ranks than rows allow, give the same."""
    for size in ("70x51", "8x37", "5x5"):
        run(*VIEW, *CHANNELS, "--size", size, "--output", f"{size}.h5").ok()
        found = [figures(run, tmp_path, f"{size}.h5", "--no-store", ranks=ranks) for ranks in (None, 5)]
        for figure in found[1:]:
            assert figure["unknowns"] == found[0]["unknowns"]
            assert figure["error"]["rms"] == pytest.approx(found[0]["error"]["rms"], rel=1e-6)


@needs_petsc
def test_escape_on_the_rim(run, tmp_path):
    """A view inside, and a Julia set; the far field is refused where the set leaves the view."""
    run("--center=-0.6,0.6", "--span", "1", "--size", "90x70", "--max-iter", "2000", *CHANNELS, "--output",
        "part.h5").ok()
    part = figures(run, tmp_path, "part.h5", "--no-store", ranks=2)
    assert part["rim"] == "escape" and part["capacity"] is None
    assert part["error"]["rms"] < 5e-3
    refused = run("potential", "part.h5", "--rim", "far")
    assert refused.code == 64 and "--rim escape" in refused.err
    run("--julia=-0.12,0.75", "--center=0,0", "--span", "7", "--size", "129x129", "--max-iter", "2000", *CHANNELS,
        "--output", "julia.h5").ok()
    julia = figures(run, tmp_path, "julia.h5", "--no-store", ranks=2)
    assert julia["rim"] == "far"
    assert abs(julia["capacity"]["error"]) < 1e-2 and abs(julia["capacity"]["centre"]) < 1e-3
    assert julia["error"]["rms"] < 1e-2


@needs_petsc
def test_stored_beside_the_channels(run, tmp_path, small):
    with h5py.File(small, "r") as file:
        before = {name: file[name][()] for name in ("iterations", "smooth", "distance", "re", "im")}
        inside = before["iterations"] == file["run"].attrs["max_iter"]
    run("potential", "a.h5", "--png", "a.png", ranks=3).ok()
    with h5py.File(small, "r") as file:
        potential = file["potential"]
        assert potential.dtype == "<f8" and potential.shape == (64, 65)
        assert potential.dims[0][0] == file["im"] and potential.dims[1][0] == file["re"]
        assert 0.9 < potential.attrs["capacity"] < 1.1
        u = potential[()]
        for name, values in before.items():
            assert np.array_equal(file[name][()], values, equal_nan=True)
    escape = np.where(inside, 0, 2 * np.log(2) * 2.0 ** -before["smooth"].astype(float))
    assert np.abs(u - escape)[~inside].max() < 0.2 and (u[inside] == 0).all() and (u[0] > 0.5).all()
    assert "true: every row" in run("check", "a.h5").ok().out
    assert pixels(tmp_path / "a.png").shape == (64, 65, 3)
    size = small.stat().st_size
    run("potential", "a.h5").ok()
    assert small.stat().st_size == size, "the same field again takes no more room"
    run("potential", "a.h5", "--coarsen", "2", ranks=2).ok()
    with h5py.File(small, "r") as file:
        assert file["potential"].shape == (32, 33)
        assert np.array_equal(file["potential_re"][()], before["re"][::2])
        assert file["potential"].dims[0][0] == file["potential_im"]
    assert "true: every row" in run("check", "a.h5", ranks=2).ok().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "a.png"]


@needs_petsc
def test_attributes_that_others_made(run, tmp_path, small):
    """Of other types and lengths than ours: no room to be overwritten, so the field is made anew."""
    run("potential", "a.h5").ok()
    with h5py.File(small, "r") as file:
        ours = {key: file["potential"].attrs[key].dtype for key in ("capacity", "residual", "solver", "rim")}
    subprocess.run(["h5repack", "a.h5", "b.h5"], check=True, timeout=300, cwd=tmp_path)
    for changed in ({"solver": "a text of any length", "rim": "far"}, {"capacity": np.zeros(5000), "residual": np.zeros(5000)}):
        with h5py.File(tmp_path / "b.h5", "r+") as file:
            for key, value in changed.items():
                del file["potential"].attrs[key]
                file["potential"].attrs[key] = value
        run("potential", "b.h5", ranks=2).ok()
        with h5py.File(tmp_path / "b.h5", "r") as file:
            attributes = file["potential"].attrs
            assert {key: attributes[key].dtype for key in ours} == ours
            assert attributes["solver"].decode().startswith("cg, mg, PETSc") and 0.9 < attributes["capacity"] < 1.1
    assert "true: every row" in run("check", "b.h5").ok().out


@needs_petsc
def test_killed_at_any_instant_the_file_is_good(run, tmp_path):
    run(*VIEW, *CHANNELS, "--size", "97x97", "--output", "a.h5").ok()
    good = (tmp_path / "a.h5").read_bytes()
    outcomes = set()
    begin = time.monotonic()
    run("potential", "a.h5").ok()
    whole = time.monotonic() - begin
    for part in (1.0, 0.92, 0.8, *(0.4 / 2**k for k in range(12))):
        if part < 0.4 and False in outcomes:  # the machine has not become faster meanwhile
            break
        (tmp_path / "a.h5").write_bytes(good)
        with subprocess.Popen([str(PROGRAM), "potential", "a.h5"], cwd=tmp_path, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env={**os.environ}) as child:
            time.sleep(part * whole)
            child.send_signal(signal.SIGKILL)
        with h5py.File(tmp_path / "a.h5", "r") as file:
            stored = "potential" in file
            outcomes.add(stored)
            if not stored:
                assert (tmp_path / "a.h5").read_bytes() == good
            else:
                assert np.isfinite(file["potential"][()]).all()
        assert "true: every row" in run("check", "a.h5").ok().out
    assert False in outcomes


@needs_petsc
@pytest.mark.parametrize("options, says", (
    (("-ksp_type", "nonsense"), "nonsense"),
    (("-ksp_typo", "cg"), "-ksp_typo"),
    (("-ksp_rtol", "abc"), "abc"),
    (("-ksp_max_it", "1"), "converge"),
    (("-options_file", "none"), "none"),
    (("cg",), "cg"),
    (("-da_refine", "1"), "--coarsen"),
))
def test_bad_options_of_petsc(run, small, options, says):
    result = run("potential", small.name, "--no-store", "--", *options, ranks=2)
    assert result.code == 64, result.err
    assert says in result.err and result.err.count("hpcmandel: error:") == 1


@needs_petsc
def test_options_reach_petsc(run, tmp_path, small):
    found = figures(run, tmp_path, small.name, "--no-store", "--", "-ksp_type", "gmres", "-pc_type", "gamg")
    assert (found["solver"], found["preconditioner"]) == ("gmres", "gamg")
    logged = run("potential", small.name, "--no-store", "--", "-log_view", "-ksp_monitor").ok().out
    assert "KSP Residual norm" in logged
    for stage in ("read", "setup", "solve", "check"):
        assert any(line.split()[1:2] == [f"{stage}:"] for line in logged.splitlines() if ":" in line)


@needs_petsc
@pytest.mark.parametrize("ranks", (None, 3))
def test_files_of_no_use(run, tmp_path, small, ranks):
    run(*VIEW, "--size", "20x20", "--output", "plain.h5").ok()
    plain = run("potential", "plain.h5", ranks=ranks)
    assert plain.code == 65 and "--channels iterations,smooth,distance" in plain.err
    with h5py.File(small, "r+") as file:
        file["run"].attrs.modify("complete", np.uint8(0))
    incomplete = run("potential", "a.h5", ranks=ranks)
    assert incomplete.code in (64, 65)
    assert run("potential", "none.h5", ranks=ranks).code == 74
    assert run("potential", ranks=ranks).code == 64
    assert plain.err.count("hpcmandel: error:") == 1
    assert run("potential", "plain.h5", "--coarsen", "0", ranks=ranks).code == 64
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "plain.h5"]
