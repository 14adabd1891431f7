"""The README's commands, as they stand, in order, in a folder laid out like a fresh checkout; and its Python.

What needs a cluster (`bash` blocks) is run as far as one machine can: requests dry, job scripts without a scheduler and small.
"""

import os
import re
import shlex
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
    for name in ("configs", "jobs"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "results").mkdir()
    return folder


@pytest.fixture(scope="module")
def used(checkout):
    """All `sh` blocks have been run."""
    lines = [line for block in blocks("sh") for line in block.splitlines() if line and not line.startswith("#")]
    assert len(lines) >= 6
    outputs = {}
    environment = {**os.environ, "PATH": os.path.dirname(MPIRUN) + os.pathsep + os.environ["PATH"],
                   "HPCMANDEL_SHARE": os.environ.get("DEPS_DIR", str(ROOT / ".deps"))}
    for line in lines:
        done = subprocess.run(["bash", "-euc", line], cwd=checkout, env=environment,
                              text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=600, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        outputs[line] = done.stdout
    return outputs


def test_commands(used, checkout):
    assert (checkout / "results/mandel.png").stat().st_size > 10000


def on_a_cluster():
    return [line for block in blocks("bash") for line in block.splitlines() if line] + \
        re.findall(r"`(sbatch [^`]*)`", README)


def test_cluster_commands_are_of_every_kind():
    first = {word for line in on_a_cluster() for word in shlex.split(line) if "=" not in word and "/" in word or word == "sbatch"}
    assert {"sbatch", "jobs/mandel.slurm", "jobs/mandel.pbs", "jobs/submit", "jobs/chain"} <= first


@pytest.mark.parametrize("line", on_a_cluster())
def test_cluster_commands(checkout, line):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM", "PBS", "HPCMANDEL"))}

    def run(command, **more):
        done = subprocess.run(["bash", "-euc", command], cwd=checkout, env={**environment, **more}, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=300, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    script = re.search(r"jobs/\S+", line).group(0)
    if script in ("jobs/submit", "jobs/chain"):
        for scheduler, program in (("slurm", "sbatch"), ("pbs", "qsub")):
            assert program in run(line.replace(script, f"{script} --scheduler {scheduler} --dry-run"))
        return
    words = shlex.split(line)
    options = next((word.partition("=")[2].strip("'") for word in words if word.startswith("HPCMANDEL_ARGS=")),
                   shlex.join(words[words.index(script) + 1:]))
    small = " --size 60x40 --output results/cluster.h5 --overwrite" if "--config" in options else ""
    said = run(f"bash {script} {options}{small}", HPCMANDEL_LOCAL_RANKS="2")
    assert re.search(r"^ranks 2 x 1" if small else r"^ok +ranks +2 on 1 node", said, re.M), said


def test_summary_shown_is_the_real_one(used):
    shown = next(block for block in blocks("text") if "crc32" in block)
    real = next(out for line, out in used.items() if "-np 64" in line)
    for key in ("grid", "sum", "inside", "crc32"):
        line = re.search(rf"^{key} .*$", shown, re.M).group(0)
        assert line in real.splitlines()


def test_python(used, checkout):
    for code in blocks("python"):
        done = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, timeout=300,
                              check=False)
        assert done.returncode == 0, done.stderr
        assert "(1280, 1920)" in done.stdout
    assert (checkout / "results/work.png").stat().st_size > 5000


def test_xarray_sentence(used, checkout):
    code = re.search(r"`(xarray\.open_dataset\([^`]*\))`", README).group(1)
    done = subprocess.run([sys.executable, "-c", f"import xarray; d = {code}; print(d['iterations'].shape, d['re'][0].item())"],
                          cwd=checkout, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "(1280, 1920)" in done.stdout


def test_make_commands_are_targets():
    targets = [line.split()[1] for block in blocks("make") for line in block.splitlines()]
    assert targets[:2] == ["run", "test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in targets:
        assert re.search(rf"^{re.escape(target)}:", makefile, re.M)


def test_strategies_table_is_the_programs(used):
    out = subprocess.run([PROGRAM, "--strategy", "help"], capture_output=True, text=True, check=True).stdout
    named = re.findall(r"^\| `(\w+)` \|", README, re.M)
    listed = [name for name in re.findall(r"^\s*(\w+)\b", out, re.M) if name in named]
    assert sorted(set(listed)) == sorted(named)
