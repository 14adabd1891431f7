"""Damaged files given to the program: `check`, `export`, `render --resume` end with 65 and one message, soon and within bounds of memory."""

import os
import random
import re
import resource
import shutil
import struct
import subprocess

import h5py
import numpy as np
import pytest

from conftest import PROGRAM, hpcmandel

MUTATIONS = int(os.environ.get("HM_MUTATIONS", "60"))
SEED = int(os.environ.get("HM_SEED", "2012"))
WIDTH, HEIGHT = 61, 47
VIEW = ["--size", f"{WIDTH}x{HEIGHT}", "--max-iter", "100", "--channels", "iterations,smooth"]
MEMORY = 2 << 30  # of address space; a sound run of one rank has half of it
CPU = 60


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    hpcmandel("render", *VIEW, "--output", folder / "a.h5").ok()
    return (folder / "a.h5").read_bytes()


def bounds():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def commands(path):
    return (["check", path], ["export", path, "--xdmf", f"{path}.xmf"], ["export", path, "--compress", f"{path}.copy", "--overwrite"],
            ["export", path, "--png", f"{path}.png"], ["render", *VIEW, "--output", path, "--resume"])


def run(command):
    done = subprocess.run([str(PROGRAM), *map(str, command)], capture_output=True, text=True, errors="replace", timeout=300, check=False,
                          preexec_fn=bounds)
    story = f"{command}: {done.returncode}\n{done.stdout[-500:]}\n{done.stderr[-2000:]}"
    errors = done.stderr.count("hpcmandel: error:")
    assert done.returncode in (0, 65), story
    assert errors == (1 if done.returncode else 0), story
    return done


def mutate(dice, whole):
    """Some places changed, or the end cut off. Most of the headers lie in the first 64 KiB."""
    bytes_ = bytearray(whole)
    kind = dice.choice(("bits", "bits", "words", "swaps", "cut", "grown"))
    limit = dice.choice((4096, 65536, len(bytes_)))
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(min(limit, len(bytes_)) - 8)
        if kind == "bits":
            bytes_[at] ^= 1 << dice.randrange(8)
        elif kind == "words":
            bytes_[at:at + 8] = dice.choice((b"\xff" * 8, bytes(8), b"\xff\xff\xff\x7f\0\0\0\0", dice.randbytes(8)))
        elif kind == "swaps":
            other = dice.randrange(len(bytes_) - 8)
            bytes_[at:at + 8], bytes_[other:other + 8] = bytes_[other:other + 8], bytes_[at:at + 8]
    if kind == "cut":
        del bytes_[dice.randrange(len(bytes_)):]
    if kind == "grown":  # without a seal at its end, so that HDF5 sees the damage
        at = dice.randrange(min(limit, len(bytes_)))
        bytes_[at] ^= 1 << dice.randrange(8)
        bytes_ += bytes(dice.randint(1, 5000))
    return kind, bytes(bytes_)


def test_attributes_that_cannot_be_read(sound, tmp_path):
    """Dataspaces of sixteen dimensions, for which there is no room in their attributes."""
    path = tmp_path / "a.h5"
    places = [found.end() for found in re.finditer(rb"NAME\0{4}\x13\0{3}.\0{3}\x01", sound)]
    assert len(places) > 2
    for at in places:
        damaged = bytearray(sound) + b"\0"  # without a seal at its end, so that HDF5 sees the damage
        assert damaged[at] == 0
        damaged[at] = 16
        path.write_bytes(damaged)
        done = run(["export", path, "--compress", tmp_path / "b.h5", "--overwrite"])
        assert done.returncode == 65 and "cannot be read" in done.stderr, done.stderr


def test_rows_behind_the_end(sound, tmp_path):
    """Where the headers say that numbers are is no place in the file: that is the file's fault, not the disk's."""
    path = tmp_path / "a.h5"
    path.write_bytes(sound)
    with h5py.File(path) as file:
        at = file["iterations"].id.get_offset()
    damaged = sound.replace(struct.pack("<Q", at), struct.pack("<Q", at + (1 << 34)), 1) + b"\0"
    path.write_bytes(damaged)
    check, _, compress, png, _ = commands(path)  # the others read none
    for command in (check, compress, png):
        assert run(command).returncode == 65


def test_mutations(sound, tmp_path):
    dice = random.Random(SEED)
    refused = 0
    for turn in range(MUTATIONS):
        kind, damaged = mutate(dice, sound)
        path = tmp_path / f"{turn}.h5"
        path.write_bytes(damaged)
        try:
            refused += run(commands(path)[turn % 5]).returncode == 65
        except (AssertionError, subprocess.TimeoutExpired) as wrong:
            keep = os.environ.get("HM_KEEP")
            if keep:
                shutil.copy(path, keep)
            raise AssertionError(f"mutation {turn} of seed {SEED}, {kind}") from wrong
        for left in tmp_path.iterdir():
            left.unlink()
    print(f"{MUTATIONS} mutations, {refused} refused")
    assert refused >= MUTATIONS // 3


def forge_type(f):
    del f["iterations"]
    f["iterations"] = np.zeros((HEIGHT, WIDTH), np.float32)


def forge_shape(f):
    del f["smooth"]
    f["smooth"] = np.zeros((HEIGHT + 1, WIDTH), np.float32)


def forge_dimension(f):
    del f["iterations"]
    f["iterations"] = np.zeros(HEIGHT * WIDTH, np.uint32)


def forge_huge(f):
    del f["iterations"]
    f.create_dataset("iterations", (2147483647, 33554432), np.uint32, chunks=(64, 64))


def forge_impossible(f):
    del f["iterations"]
    f.create_dataset("iterations", (1 << 40, 1 << 20), np.uint32, chunks=(64, 64))


def forge_group(f):
    del f["iterations"]
    f.create_group("iterations")


def forge_newer(f):
    f.attrs.modify("format", np.int32(99))


def forge_foreign(f):
    f.attrs.modify("source", np.bytes_("somebody"))


def forge_zero_limit(f):
    f["run"].attrs.modify("max_iter", np.uint32(0))


def forge_long_text(f):
    del f["run"].attrs["configuration"]
    f["run"].attrs["configuration"] = "x" * 100


def forge_link(f):
    del f["iterations"]
    f["iterations"] = h5py.ExternalLink("/dev/zero", "/x")


FORGERIES = [forge for name, forge in sorted(globals().items()) if name.startswith("forge_")]


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__[6:])
def test_forgeries(sound, tmp_path, forge):
    """Sound HDF5 files that are no data sets: each command refuses each."""
    (tmp_path / "whole.h5").write_bytes(sound)
    path = tmp_path / "forged.h5"
    subprocess.run(["h5repack", tmp_path / "whole.h5", path], check=True, timeout=300)
    with h5py.File(path, "r+") as f:
        forge(f)
    # Pictures and sidecars have no use for the configuration.
    useless = ("--xdmf", "--png") if forge == forge_long_text else ()
    for command in commands(path):
        if set(useless) & set(command):
            continue
        done = run(command)
        assert done.returncode == 65, f"{command}: {done.returncode}\n{done.stderr}"
        assert "forged.h5" in done.stderr
    assert sorted(left.name for left in tmp_path.iterdir()) == ["forged.h5", "whole.h5"]


@pytest.mark.parametrize("group, name", (("analysis", "valid"), ("run", "total_seconds")))
def test_rows_of_numbers_where_one_belongs(sound, tmp_path, group, name):
    """What is changed in place has room for one: nothing beside it is read."""
    (tmp_path / "whole.h5").write_bytes(sound)
    path = tmp_path / "forged.h5"
    subprocess.run(["h5repack", tmp_path / "whole.h5", path], check=True, timeout=300)
    with h5py.File(path, "r+") as f:
        one = f[group].attrs[name]
        del f[group].attrs[name]
        f[group].attrs[name] = np.zeros(60000 // one.itemsize, one.dtype)
        if group == "run":
            f["run"].attrs.modify("complete", np.uint8(0))
            f["rows/done"][3] = 0
    command = ["analyze", path, "--append", "--quiet"] if group == "analysis" else ["render", *VIEW, "--output", path, "--resume"]
    done = run(command)
    assert done.returncode == 65 and name in done.stderr and "forged.h5" in done.stderr


def test_what_is_no_file(tmp_path):
    (tmp_path / "empty.h5").write_bytes(b"")
    (tmp_path / "folder.h5").mkdir()
    os.mkfifo(tmp_path / "pipe.h5")
    for name in ("empty.h5", "folder.h5", "pipe.h5", "/dev/zero"):
        for command in commands(tmp_path / name)[:1] + commands(tmp_path / name)[-1:]:
            assert run(command).returncode == 65, command
    resumed = run(["render", "--resume", "--output", tmp_path / "empty.h5"])
    assert resumed.returncode == 65 and "empty.h5' is empty" in resumed.stderr
    assert (tmp_path / "empty.h5").read_bytes() == b""
