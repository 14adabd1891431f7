"""The README's commands, as they stand, in order, in a folder laid out like a fresh checkout; and its Python."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import MPIRUN, PROGRAM, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copy(PROGRAM, folder / "hpcmandel")
    shutil.copytree(ROOT / "configs", folder / "configs")
    (folder / "results").mkdir()
    return folder


@pytest.fixture(scope="module")
def used(checkout):
    """All `sh` blocks have been run."""
    lines = [line for block in blocks("sh") for line in block.splitlines() if line and not line.startswith("#")]
    assert len(lines) >= 6
    outputs = {}
    path = os.path.dirname(MPIRUN) + os.pathsep + os.environ["PATH"]
    for line in lines:
        done = subprocess.run(["bash", "-euc", line], cwd=checkout, env={**os.environ, "PATH": path}, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=240, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        outputs[line] = done.stdout
    return outputs


def test_commands(used, checkout):
    assert (checkout / "results/mandel.png").stat().st_size > 10000


def test_summary_shown_is_the_real_one(used):
    shown = next(block for block in blocks("text") if "crc32" in block)
    real = next(out for line, out in used.items() if "-np 64" in line)
    for key in ("grid", "sum", "inside", "crc32"):
        line = re.search(rf"^{key} .*$", shown, re.M).group(0)
        assert line in real.splitlines()


def test_python(used, checkout):
    for code in blocks("python"):
        done = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.returncode == 0, done.stderr
        assert "(1280, 1920)" in done.stdout


def test_xarray_sentence(used, checkout):
    code = re.search(r"`(xarray\.open_dataset\([^`]*\))`", README).group(1)
    done = subprocess.run([sys.executable, "-c", f"import xarray; d = {code}; print(d['iterations'].shape, d['re'][0].item())"],
                          cwd=checkout, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "(1280, 1920)" in done.stdout


def test_make_commands_are_targets():
    targets = [line.split()[1] for block in blocks("make") for line in block.splitlines()]
    assert targets == ["run", "test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M)


def test_strategies_table_is_the_programs(used):
    out = subprocess.run([PROGRAM, "--strategy", "help"], capture_output=True, text=True, check=True).stdout
    named = re.findall(r"^\| `(\w+)` \|", README, re.M)
    listed = [name for name in re.findall(r"^\s*(\w+)\b", out, re.M) if name in named]
    assert sorted(set(listed)) == sorted(named)
