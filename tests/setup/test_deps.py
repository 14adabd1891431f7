"""tools/deps.sh and tools/petsc.sh: what they find, what they install, and what they say when they may not. Nothing is installed
here: dpkg-query, apt-get, id and sudo are replaced by scripts that note how they were called."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"


def packages(*sets):
    lines = [line.partition("#")[0].split() for name in sets for line in (TOOLS / f"packages.{name}").read_text().splitlines()]
    return sorted({words[0] for words in lines if words})


class Machine:
    """A folder of replaced commands, first on PATH, and a log of their calls."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "log"
        self.log.touch()

    def command(self, name, body):
        path = self.folder / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >> "{self.log}"\n{body}\n')
        path.chmod(0o755)

    def run(self, *command, **env):
        clean = {name: value for name, value in os.environ.items()
                 if name not in ("DEPS_BY", "DEPS_DIR", "PETSC_DIR", "PETSC_ARCH", "MPICC", "MPIRUN", "PKG_CONFIG")}
        return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                              check=False, env={**clean, "PATH": f"{self.folder}:/usr/sbin:/usr/bin:/sbin:/bin", **env})

    def calls(self):
        return self.log.read_text().splitlines()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def has(machine, names):
    machine.command("dpkg-query", "\n".join(f"echo '{name}:amd64 installed'" for name in names) + "\necho 'gcc-doc config-files'")


def test_nothing_missing_is_silent(machine):
    has(machine, packages("run", "test"))
    machine.command("apt-get", "exit 1")
    machine.command("sudo", "exit 1")
    done = machine.run(TOOLS / "deps.sh", "run", "test")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {call.split()[0] for call in machine.calls()} == {"dpkg-query"}, "what takes long is not even tried"


def test_without_rights_the_packages_are_named(machine):
    wanted = packages("run")
    has(machine, [name for name in wanted if name not in ("mpich", "libpng-dev")])
    machine.command("id", "echo 1000")
    machine.command("sudo", "exit 1")
    machine.command("apt-get", "exit 0")
    done = machine.run(TOOLS / "deps.sh", "run")
    assert done.returncode == 69
    assert "apt-get install -y --no-install-recommends libpng-dev mpich" in done.stderr
    assert not [call for call in machine.calls() if call.startswith("apt-get")]


def test_a_removed_package_is_missing(machine):
    wanted = packages("run")
    machine.command("dpkg-query", "\n".join(f"echo '{name} {'config-files' if name == 'mpich' else 'installed'}'" for name in wanted))
    machine.command("id", "echo 1000")
    machine.command("sudo", "exit 1")
    done = machine.run(TOOLS / "deps.sh", "run")
    assert done.returncode == 69
    assert done.stderr.rstrip().endswith("--no-install-recommends mpich")


@pytest.mark.parametrize("lists", ["there", "missing", "stale"])
def test_root_installs_what_is_missing_alone(machine, lists):
    has(machine, [name for name in packages("run") if name != "mpich"])
    machine.command("id", "echo 0")
    machine.command("apt-get", f'''
echo "frontend $DEBIAN_FRONTEND" >> "{machine.log}"
case "$*" in
*" update") touch "{machine.folder}/updated" ;;
*--simulate*) [ {lists} != missing ] || exit 100 ;;
*) [ {lists} = there ] || [ -e "{machine.folder}/updated" ] || exit 100 ;;
esac''')
    done = machine.run(TOOLS / "deps.sh", "run")
    assert done.returncode == 0, done.stderr
    calls = [call for call in machine.calls() if call.startswith("apt-get")]
    assert calls[-1].endswith("install --no-install-recommends mpich")
    assert len([call for call in calls if call.endswith(" update")]) == (0 if lists == "there" else 1)
    assert "frontend noninteractive" in machine.calls()


def test_sudo_is_used_when_it_asks_nothing(machine):
    has(machine, [name for name in packages("run") if name != "mpich"])
    machine.command("id", "echo 1000")
    machine.command("sudo", '[ "$1" = -n ] && shift && "$@"')
    machine.command("apt-get", "exit 0")
    assert machine.run(TOOLS / "deps.sh", "run").returncode == 0
    assert [call for call in machine.calls() if call.startswith("sudo -n env DEBIAN_FRONTEND=noninteractive apt-get")]


def test_apt_that_fails_ends_with_69(machine):
    has(machine, [])
    machine.command("id", "echo 0")
    machine.command("apt-get", "exit 100")
    assert machine.run(TOOLS / "deps.sh", "run").returncode == 69


def test_without_dpkg_the_things_themselves_are_looked_for(machine):
    done = machine.run(TOOLS / "deps.sh", "run", DEPS_BY="probe")
    assert done.returncode == 0, done.stderr
    done = machine.run(TOOLS / "deps.sh", "run", DEPS_BY="probe", MPICC="gcc", PKG_CONFIG="false")
    assert done.returncode == 69
    assert "missing: mpich" in done.stderr
    assert "missing: pkg:jansson" in done.stderr


def test_unknown_sets_are_refused(machine):
    assert machine.run(TOOLS / "deps.sh", "everything").returncode == 64
    assert machine.run(TOOLS / "deps.sh").returncode == 64


# --- PETSc ----------------------------------------------------------------------------------------

GOOD = ("PETSC_HAVE_MPICH 1", "PETSC_USE_REAL_DOUBLE 1")


def petsc(folder, *defines):
    """A folder that looks like an installed PETSc."""
    (folder / "include").mkdir(parents=True)
    (folder / "lib/pkgconfig").mkdir(parents=True)
    (folder / "include/petscconf.h").write_text("".join(f"#define {define}\n" for define in defines))
    (folder / "lib/pkgconfig/PETSc.pc").write_text(
        f"prefix={folder}\nName: PETSc\nDescription: x\nVersion: 3.20.0\nCflags: -I${{prefix}}/include\nLibs: -L${{prefix}}/lib -lpetsc\n")
    return folder


def find(machine, what, **env):
    return machine.run(TOOLS / "petsc.sh", what, **{"DEPS_DIR": str(machine.folder / "deps"), "PKG_CONFIG_PATH": "", **env})


def test_petsc_of_a_module(machine):
    folder = petsc(machine.folder / "module", *GOOD)
    for env in ({"PETSC_DIR": str(folder)}, {"PETSC_DIR": str(machine.folder), "PETSC_ARCH": "module"},
                {"PKG_CONFIG_PATH": str(folder / "lib/pkgconfig")}):
        assert find(machine, "cflags", **env).stdout.strip() == f"-isystem {folder}/include"
        libs = find(machine, "libs", **env).stdout
        assert "-lpetsc" in libs
        assert f"-Wl,-rpath,{folder}/lib" in libs


@pytest.mark.parametrize("defines, reason", [
    (("PETSC_HAVE_OPENMPI 1", "PETSC_USE_REAL_DOUBLE 1"), "not built on MPICH"),
    ((*GOOD, "PETSC_USE_COMPLEX 1"), "complex"),
    (("PETSC_HAVE_MPICH 1", "PETSC_USE_REAL_SINGLE 1"), "double"),
])
def test_petsc_that_is_of_no_use_is_refused(machine, defines, reason):
    folder = petsc(machine.folder / "bad", *defines)
    for env in ({"PETSC_DIR": str(folder)}, {"PKG_CONFIG_PATH": str(folder / "lib/pkgconfig")}):
        done = find(machine, "where", **env)
        assert done.returncode == 69
        assert reason in done.stderr
        assert find(machine, "libs", **env).returncode == 69
    # The one that was asked for is an error, not a reason to build another.
    done = find(machine, "provide", PETSC_DIR=str(folder))
    assert done.returncode == 69
    assert reason in done.stderr
    assert not (machine.folder / "deps").exists()


def test_petsc_half_built_is_none(machine):
    (machine.folder / "deps/petsc/lib").mkdir(parents=True)
    assert find(machine, "libs").returncode == 69
    (machine.folder / "deps/petsc/complete").touch()
    assert find(machine, "libs").returncode == 0
    assert find(machine, "provide").returncode == 0


def test_petsc_where_nothing_can_be_written(machine):
    (machine.folder / "file").touch()
    done = find(machine, "provide", DEPS_DIR=str(machine.folder / "file/deps"))
    assert done.returncode == 69
    assert "DEPS_DIR" in done.stderr


def test_petsc_is_not_built_where_it_cannot_be(machine):
    """Nothing is fetched for what PETSc's own configure would refuse."""
    done = find(machine, "provide", DEPS_DIR=str(machine.folder / "with spaces"))
    assert done.returncode == 69
    assert "spaces" in done.stderr and "DEPS_DIR=FOLDER" in done.stderr
    assert not (machine.folder / "with spaces").exists()


def test_source_lists_of_both_forms(machine):
    """apt is asked for sources by the machine's own entries, whichever form they have."""
    etc = machine.folder / "etc"
    (etc / "sources.list.d").mkdir(parents=True)
    (etc / "sources.list").write_text("# deb http://commented x y\ndeb [arch=amd64] http://one/debian bookworm main\ndeb-src http://two/d b main\n")
    (etc / "sources.list.d/three.sources").write_text("Types: deb\nURIs: http://three/debian\nSuites: bookworm\nComponents: main\n")
    machine.command("dpkg-query", "\n".join(f"echo '{name} installed'" for name in packages("run", "petsc")))
    machine.command("apt-get", f'''
for word in "$@"; do
    case $word in
    Dir::Etc::sourcelist=*) cat "${{word#*=}}" >> "{machine.log}" ;;
    Dir::Etc::sourceparts=*) cat "${{word#*=}}"/* >> "{machine.log}" ;;
    esac
done
exit 1''')
    done = find(machine, "provide", APT_ETC=str(etc))
    assert done.returncode == 69
    log = machine.calls()
    assert "deb-src [arch=amd64] http://one/debian bookworm main" in log
    assert "deb-src http://two/d b main" in log
    assert "Types: deb-src" in log
    assert "URIs: http://three/debian" in log
    assert not [line for line in log if "commented" in line]
    assert not (machine.folder / "deps/petsc/complete").exists()
