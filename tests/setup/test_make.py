"""The Makefile: what is made anew and what is not, what is said when something is missing, what is installed."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def make(*arguments, env=None, keep=True):
    """`keep`: with what the user set on the command line of `make test`."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MFLAGS", "MAKELEVEL", "MAKEFLAGS", "MAKEOVERRIDES", "BUILD", "WITH_PETSC", "DEPS_DIR", "NP")}
    given = os.environ.get("MAKEFLAGS", "").partition(" -- ")[2]
    given = re.sub(r"(^| )STAGES=\S*", "", given).strip()
    if keep and given:
        environment["MAKEFLAGS"] = f" -- {given}"
    return subprocess.run(["make", "--no-print-directory", *arguments], cwd=ROOT, env={**environment, **(env or {})},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False)


def compiled(done):
    """The sources that a dry run would compile."""
    assert done.returncode == 0, done.stderr
    return set(re.findall(r" -c -o \S+ (\S+\.c)$", done.stdout, re.M))


@pytest.fixture(scope="module", autouse=True)
def built():
    """All of it is up to date."""
    done = make("hpcmandel", "unit-tests")
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_that_runs_make_is_in_git():
    """Data sets and what is built are ignored; a file that is in git although it is ignored came there by mistake."""
    kept = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-ci", "--exclude-per-directory=.gitignore"], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    if kept.returncode != 0:
        pytest.skip("not a checkout")
    assert kept.stdout == ""


def test_changing_nothing_makes_nothing():
    assert make("-q", "hpcmandel", "unit-tests").returncode == 0
    assert "up to date" in make("hpcmandel").stdout


def test_a_header_makes_what_includes_it_and_no_more():
    files = compiled(make("-n", "-W", "include/hm_picture.h", "hpcmandel"))
    assert "src/view/png.c" in files
    assert "src/cluster/band.c" not in files
    tests = compiled(make("-n", "-W", "tests/unit/runner.h", "unit-tests"))
    assert "tests/unit/test_text.c" in tests
    assert not [name for name in tests if name.startswith("src/")]


def test_other_flags_make_everything_anew():
    everything = {str(path.relative_to(ROOT)) for path in ROOT.glob("src/cluster/**/*.c")}
    assert everything <= compiled(make("-n", "CFLAGS=-O1 -g3", "hpcmandel"))


def test_a_source_more_makes_the_library_anew():
    listed = make("print-SOURCES").stdout.split()
    done = make("-n", f"SOURCES={' '.join(listed[1:])}", "hpcmandel")
    assert done.returncode == 0
    assert "ar rcs" in done.stdout


def test_plain_make_brings_nothing_and_says_what_to_do(tmp_path):
    done = make(f"DEPS_DIR={tmp_path}/none", "PETSC_DIR=", f"BUILD={tmp_path}/build", keep=False,
                env={"PKG_CONFIG_PATH": ""})
    assert done.returncode != 0
    assert "make deps" in done.stderr
    assert "WITH_PETSC=0" in done.stderr
    assert not (tmp_path / "none").exists()


def test_a_compiler_that_is_not_mpich_is_refused(tmp_path):
    done = make("WITH_PETSC=0", f"BUILD={tmp_path}/build", keep=False, env={"MPICC": "gcc"})
    assert done.returncode != 0
    assert "not MPICH" in done.stderr


def test_libraries_that_are_missing_are_named(tmp_path):
    done = make("WITH_PETSC=0", f"BUILD={tmp_path}/build", "PKG_CONFIG=pkg-config --define-prefix no-such-thing", keep=False)
    assert done.returncode != 0
    assert "make deps" in done.stderr


def test_help_names_every_target_that_users_call():
    done = make("help")
    assert done.returncode == 0
    for target in "all deps run test bench bench-kernel install uninstall clean help format format-check lint asan".split():
        assert re.search(rf"^  {target} ", done.stdout, re.M), target


def test_print_shows_a_variable():
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", make("print-VERSION").stdout)
    assert make("print-PREFIX", "PREFIX=/it's here").stdout == "/it's here\n"


def test_a_folder_of_any_name(tmp_path):
    """What was built is known by its revision, and what was brought is found."""
    folder = tmp_path / "it's here"
    folder.mkdir()
    for name in ("Makefile", "tools", ".gitignore"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, folder / name)
    git = ["git", "-C", folder, "-c", "user.name=x", "-c", "user.email=x@y"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True, stdin=subprocess.DEVNULL, capture_output=True)
    revision = subprocess.run([*git, "describe", "--always", "--abbrev=12"], check=True, capture_output=True, text=True).stdout
    assert make("-C", folder, "print-REVISION", keep=False).stdout == revision
    (folder / ".deps/petsc").mkdir(parents=True)
    (folder / ".deps/petsc/complete").touch()
    done = make("-C", folder, "PETSC_DIR=", "print-PETSC_LIBS", keep=False, env={"PKG_CONFIG_PATH": ""})
    assert f"-L{folder}/.deps/petsc/lib" in done.stdout and not done.stderr, done


def test_viewer_is_brought_to_a_folder_of_any_name():
    done = make("-n", "viewer", "DEPS_DIR=/it's here")
    assert done.returncode == 0, done.stderr
    assert shlex.split(done.stdout) == ["tools/viewer.sh", "/it's here/openseadragon"]


def test_ranks_are_as_many_as_processors():
    """Whatever a user has for the threads of other programs."""
    assert make("print-NP", keep=False, env={"OMP_NUM_THREADS": "999"}).stdout == f"{len(os.sched_getaffinity(0))}\n"


def test_clean_leaves_results_and_petsc():
    done = make("-n", "clean", keep=False)
    assert done.returncode == 0
    words = done.stdout.split()
    assert "build" in words
    assert not [word for word in words if "results" in word or ".deps" in word or word in (".", "/", str(ROOT))]


def test_install_and_uninstall(tmp_path):
    where = [f"DESTDIR={tmp_path}", "PREFIX=/opt/h m"]
    done = make("install", *where)
    assert done.returncode == 0, done.stderr
    root = tmp_path / "opt/h m"
    program = root / "bin/hpcmandel"
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=300, cwd="/")
    assert version.stdout.startswith("hpcmandel ")
    assert "not found" not in subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    assert (root / "share/hpcmandel/configs/default.ini").is_file()
    for script in ROOT.glob("jobs/*"):
        if script.is_file():
            installed = root / "share/hpcmandel/jobs" / script.name
            assert os.access(installed, os.X_OK) == os.access(script, os.X_OK), script
    # It must not need the tree that it was built in.
    if shutil.which("readelf"):
        dynamic = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
        assert not [line for line in dynamic.splitlines() if "PATH" in line and str(ROOT) in line], dynamic
    assert make("uninstall", *where).returncode == 0
    assert not [path for path in tmp_path.rglob("*") if not path.is_dir()]
