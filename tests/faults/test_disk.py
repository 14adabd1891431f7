"""Disks that are full, read-only, limited or broken: one message, 73 or 74, no hang, rows done stay right, and resuming completes."""

import contextlib
import errno
import os
import re
import resource
import shutil
import subprocess
import textwrap
import zlib

import h5py
import numpy as np
import pytest

from conftest import MPIRUN, PROGRAM

WIDTH, HEIGHT = 1000, 800
VIEW = ["--size", f"{WIDTH}x{HEIGHT}", "--max-iter", "1500", "--interior", "none", "--band", "8"]
WAYS = ("independent", "collective", "funnel")
MEGABYTE = 1 << 20


def render(path, *more, ranks=2, env=None, before=None):
    """Who hangs is ended after minutes, and the test fails."""
    return subprocess.run(
        ["timeout", "-k", "5", "280", MPIRUN, "-np", str(ranks), str(PROGRAM), *VIEW, "--output", str(path), *map(str, more)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **(env or {})},
        preexec_fn=before)


def fails(done, code, *words):
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    errors = [line for line in done.stderr.splitlines() if line.startswith("hpcmandel: error:")]
    assert len(errors) == 1, done.stderr
    for word in words:
        assert word in errors[0], errors[0]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "r.h5"
    done = render(path)
    assert done.returncode == 0, done.stderr
    with h5py.File(path) as file:
        return file["iterations"][...], re.search(r"^crc32 .*$", done.stdout, re.M).group(0), path.stat().st_size


def begin(path):
    """A file of a run that was stopped soon."""
    done = render(path, "--time-limit", "0.01")
    assert done.returncode == 75, done.stderr
    return rows_done(path)


def rows_done(path, counts=None):
    with h5py.File(path) as file:
        done = np.flatnonzero(file["rows/done"][...] == 1)
        if counts is not None:
            data, crc = file["iterations"][...], file["rows/crc32"][:, 0]
            assert np.array_equal(data[done], counts[done]), "a row marked done is wrong"
            assert data.max() <= 1500, "headers were written where rows are"
            assert all(crc[row] == zlib.crc32(data[row].tobytes()) for row in done)
        return len(done)


def survives(path, before, reference):
    """After the trouble: nothing was lost, and a run goes on to the right end."""
    counts, crc, _ = reference
    after = rows_done(path, counts)
    assert before <= after < HEIGHT
    done = render(path, "--resume")
    assert done.returncode == 0 and crc in done.stdout, done.stderr
    assert rows_done(path, counts) == HEIGHT


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own: mount(size) gives its folder."""
    mounted = []

    def mount(size):
        folder = tmp_path / "disk"
        folder.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, check=False)
        if made.returncode != 0:
            pytest.skip("only root may mount a small disk")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("arguments", (["analyze", "--quiet", "--csv"], ["analyze", "--quiet", "--json"], ["export", "--png"],
                                       ["export", "--xdmf"], ["report", "--html"]), ids=lambda words: words[-1])
def test_half_a_file_never_has_the_name(disk, tmp_path, arguments):
    """No room for figures: what was there before stays, and nothing is left beside it."""
    folder = disk(1 * MEGABYTE)
    subprocess.run([PROGRAM, "--size", "60x40", "--output", tmp_path / "a.h5", "--quiet"], check=True, timeout=300, capture_output=True)
    (folder / "before").write_text("as it was\n")
    with contextlib.suppress(OSError), open(folder / "filler", "wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)
    done = subprocess.run([PROGRAM, arguments[0], tmp_path / "a.h5", *arguments[1:], folder / "before"], capture_output=True, text=True,
                          timeout=300, check=False)
    assert done.returncode == 74 and done.stderr.count("error:") == 1 and "before" in done.stderr, done.stderr
    assert (folder / "before").read_text() == "as it was\n"
    assert sorted(path.name for path in folder.iterdir()) == ["before", "filler"]


@pytest.mark.parametrize("room, page, broken", [(4096, ["--no-page"], "/x_files/9/0_0.png'"), (600_000, [], "/openseadragon.min.js'")])
def test_a_disk_that_gets_full_of_tiles(disk, tmp_path, room, page, broken):
    """What cannot be written is named with the reason, and what is there is whole."""
    folder = disk(4 * MEGABYTE)
    viewer = tmp_path / "openseadragon"
    viewer.mkdir()
    (viewer / "openseadragon.min.js").write_bytes(b" " * MEGABYTE)
    (viewer / "openseadragon.LICENSE.txt").write_bytes(b" ")
    subprocess.run([PROGRAM, "--size", "300x200", "--output", tmp_path / "a.h5", "--quiet"], check=True, timeout=300, capture_output=True)
    (folder / "filler").write_bytes(b"x" * (shutil.disk_usage(folder).free - room))
    done = subprocess.run([PROGRAM, "export", tmp_path / "a.h5", "--dzi", folder / "x", *page], capture_output=True, text=True, timeout=300,
                          check=False, env={**os.environ, "HPCMANDEL_SHARE": str(tmp_path)})
    fails(done, 74, "No space left on device", broken)
    assert {path.name for path in folder.iterdir()} <= {"filler", "x_files", "x.dzi"}


def test_no_room_from_the_start(disk):
    folder = disk(2 * MEGABYTE)
    fails(render(folder / "a.h5"), 73, "no room", "a.h5")
    assert not list(folder.iterdir())


@pytest.mark.parametrize("way", WAYS)
def test_a_disk_gets_full(disk, reference, way):
    folder = disk(12 * MEGABYTE)
    path = folder / "a.h5"
    before = begin(path)
    free = shutil.disk_usage(folder).free
    (folder / "filler").write_bytes(b"x" * (free - 1 * MEGABYTE))
    fails(render(path, "--resume", "--io", way), 74, "a.h5", "No space left on device")
    (folder / "filler").unlink()
    survives(path, before, reference)


def test_a_read_only_disk(disk, reference):
    folder = disk(12 * MEGABYTE)
    begin(folder / "a.h5")
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    fails(render(folder / "b.h5"), 73, "b.h5", "Read-only file system")
    fails(render(folder / "a.h5", "--resume"), 74, "a.h5", "Read-only file system")
    done = subprocess.run([PROGRAM, "check", folder / "a.h5"], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 and "--resume" in done.stdout
    subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
    survives(folder / "a.h5", 0, reference)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write in every folder; the read-only disk is tested instead")
def test_a_folder_of_others(tmp_path):
    tmp_path.chmod(0o555)
    fails(render(tmp_path / "a.h5"), 73, "Permission denied")
    tmp_path.chmod(0o755)


# The limit counts for MPI's shared memory too, so the file has to be larger than that.
LARGE = ["--size", "5000x4000", "--max-iter", "40", "--band", "40"]


def limit():
    resource.setrlimit(resource.RLIMIT_FSIZE, (50 * MEGABYTE, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def test_a_limit_of_size_from_the_start(tmp_path):
    fails(render(tmp_path / "a.h5", *LARGE, before=limit), 73, "ulimit")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("way", WAYS)
def test_a_limit_of_size_that_comes_later(tmp_path, way):
    path = tmp_path / "a.h5"
    assert render(path, *LARGE, "--time-limit", "0.01").returncode == 75
    fails(render(path, *LARGE, "--resume", "--io", way, before=limit), 74, "a.h5", "File too large")
    done = subprocess.run([PROGRAM, "check", path], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 and "--resume" in done.stdout, done.stdout
    done = render(path, *LARGE, "--resume")
    assert done.returncode == 0, done.stderr


def test_a_limit_of_size_on_one_rank(tmp_path):
    """It meets the limit at its first row; the other one writes what it has, and both end."""
    path = tmp_path / "a.h5"
    command = [str(PROGRAM), *VIEW, *LARGE, "--output", str(path), "--io", "independent", "--strategy", "cyclic"]
    done = subprocess.run(
        ["timeout", "-k", "5", "280", MPIRUN, "-np", "1", *command, ":", "-np", "1", "bash", "-c", f"ulimit -S -f {50 << 10}; exec \"$@\"", "-",
         *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
    fails(done, 74, "a.h5", "File too large")
    done = subprocess.run([PROGRAM, "check", path], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 and re.search(r"^# rows [1-9]\d* of 4000 done$", done.stdout, re.M), done.stdout
    done = render(path, *LARGE, "--resume")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """Environment in which writes of HM_LEAST bytes or more beyond the first HM_GOOD fail with HM_WRITE, or forcing to the disk with HM_FORCE."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("there is no compiler here for a library that fails")
    folder = tmp_path_factory.mktemp("broken")
    (folder / "broken.c").write_text(textwrap.dedent("""
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/types.h>
        #include <unistd.h>
        static int number(const char *name) { const char *text = getenv(name); return text ? atoi(text) : 0; }
        static int memory(int file) { /* no disk */
            char link[64], name[64] = "";
            snprintf(link, sizeof link, "/proc/self/fd/%d", file);
            return readlink(link, name, sizeof name - 1) > 0 && strncmp(name, "/memfd:", 7) == 0;
        }
        static int bad(int file, size_t bytes) {
            static int writes;
            if (!number("HM_WRITE") || memory(file) || bytes < (size_t)(number("HM_LEAST") ? number("HM_LEAST") : 4000) || ++writes <= number("HM_GOOD")) { return 0; }
            errno = number("HM_WRITE");
            return 1;
        }
        #define PWRITE(name) ssize_t name(int file, const void *data, size_t bytes, off_t at) { \\
            ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, #name); \\
            return bad(file, bytes) ? -1 : real(file, data, bytes, at); }
        PWRITE(pwrite)
        PWRITE(pwrite64)
        int fdatasync(int file) {
            int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
            if (number("HM_FORCE")) { errno = number("HM_FORCE"); return -1; }
            return real(file);
        }
    """), encoding="ascii")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", folder / "broken.so", folder / "broken.c", "-ldl"], check=True)
    return {"LD_PRELOAD": str(folder / "broken.so")}


@pytest.mark.parametrize("error, words", [(errno.EIO, "Input/output error"), (errno.ENOSPC, "No space left on device"), (errno.EDQUOT, "quota")])
@pytest.mark.parametrize("good", [0, 1, 4, 12])
def test_headers_of_a_new_file(tmp_path, broken, error, words, good):
    """HDF5 breaks at the program's end on headers that it could not write."""
    done = render(tmp_path / "a.h5", env={**broken, "HM_WRITE": str(error), "HM_LEAST": "1", "HM_GOOD": str(good)})
    fails(done, 74, "a.h5", "cannot write", words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("good", range(7))
def test_headers_of_a_file_gone_on_with(tmp_path, reference, broken, good):
    path = tmp_path / "a.h5"
    before = begin(path)
    fails(render(path, "--resume", env={**broken, "HM_WRITE": str(errno.EIO), "HM_LEAST": "1", "HM_GOOD": str(good)}), 74, "a.h5",
          "cannot write", "Input/output error")
    survives(path, before, reference)


@pytest.mark.parametrize("good", [7, 8, 30])
@pytest.mark.parametrize("way", WAYS)
def test_a_disk_that_dies(tmp_path, reference, broken, way, good):
    """From some moment on no rank can write anything, not even the little that HDF5 writes when the ranks close the file."""
    path = tmp_path / "a.h5"
    before = begin(path)
    fails(render(path, "--resume", "--io", way, env={**broken, "HM_WRITE": str(errno.EIO), "HM_LEAST": "1", "HM_GOOD": str(good)}), 74, "a.h5",
          "Input/output error")
    survives(path, before, reference)


@pytest.mark.parametrize("way", WAYS)
def test_a_quota(tmp_path, reference, broken, way):
    path = tmp_path / "a.h5"
    before = begin(path)
    fails(render(path, "--resume", "--io", way, env={**broken, "HM_WRITE": "122", "HM_GOOD": "3"}), 74, "a.h5", "quota")
    survives(path, before, reference)


@pytest.mark.parametrize("way", WAYS)
def test_a_disk_that_does_not_keep_what_it_took(tmp_path, reference, broken, way):
    path = tmp_path / "a.h5"
    before = begin(path)
    fails(render(path, "--resume", "--io", way, "--checkpoint", "0.001", env={**broken, "HM_FORCE": "5"}), 74, "a.h5",
          "force", "Input/output error")
    # What was written is there all the same, as this disk is sound: perhaps all of it.
    assert before <= rows_done(path, reference[0])
    done = render(path, "--resume")
    assert done.returncode == 0 and reference[1] in done.stdout, done.stderr


def compress(source, copy, first, others, env=None):
    """By three ranks, of which the first and the others may have environments of their own."""
    command = [str(PROGRAM), "export", str(source), "--compress", str(copy)]
    words = [[word for pair in more.items() for word in ("-env", *pair)] for more in (first, others)]
    return subprocess.run(["timeout", "-k", "5", "280", MPIRUN, "-np", "1", *words[0], *command, ":", "-np", "2", *words[1], *command],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **(env or {})})


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """A file that does not get much smaller, so that its copy takes some collective writes."""
    path = tmp_path_factory.mktemp("noisy") / "noisy.h5"
    done = render(path, "--size", "2500x1600", "--center=-1.25066,0.02012", "--span", "1.7e-4", "--channels", "iterations,smooth")
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.parametrize("where", ("first", "others"))
@pytest.mark.parametrize("least, good", [(1, 0), (1, 30), (4000, 0), (4000, 13), (4000, 16), (4000, 19), (4000, 22), (500, 20)])
def test_a_compressed_copy_that_one_rank_cannot_write(noisy, broken, tmp_path, where, least, good):
    """The others do not wait for it. Who writes nothing has no trouble."""
    trouble = {"HM_WRITE": str(errno.EIO), "HM_LEAST": str(least), "HM_GOOD": str(good)}
    done = compress(noisy, tmp_path / "copy.h5", trouble if where == "first" else {}, trouble if where == "others" else {}, broken)
    if where == "first" or done.returncode != 0:
        fails(done, 74, "copy.h5", "Input/output error")
        assert not list(tmp_path.iterdir())
    else:
        checked = subprocess.run([PROGRAM, "check", tmp_path / "copy.h5"], capture_output=True, text=True, timeout=300, check=False)
        assert checked.returncode == 0 and "# true: " in checked.stdout, checked.stderr


@pytest.mark.parametrize("megabytes", (1, 4, 8))
def test_no_room_for_a_compressed_copy(disk, noisy, megabytes):
    folder = disk(megabytes * MEGABYTE)
    fails(compress(noisy, folder / "copy.h5", {}, {}), 74, "copy.h5", "No space left on device")
    assert not list(folder.iterdir())
