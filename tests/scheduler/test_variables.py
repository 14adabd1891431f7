"""The variables that change a job's ways, each with its effect, by job scripts without a scheduler."""

import contextlib
import csv
import os
import re
import shlex
import subprocess

import pytest
from conftest import ROOT, SHORT, clean_environment, crc_of

# Stands in for a launcher: writes its command down, does not start it.
SEEN = '#!/bin/bash\n[ "$1" != --version ] || { echo HYDRA; exit; }\nprintf "%s\\0" "$(basename "$0")" "$@" >"$SEEN_FILE"\n'


@pytest.fixture
def job(project):
    """job(script, *arguments, **variables): runs a job script as one rank of a program that does nothing."""
    project.write("nothing", "#!/bin/bash\n", 0o755)
    for name in ("mpirun.mpich", "srun", "my-mpirun"):
        project.write(f"bin/{name}", SEEN, 0o755)

    def run(script, *arguments, **variables):
        env = {**clean_environment(), "PATH": f"{project / 'bin'}:{clean_environment()['PATH']}", "HPCMANDEL_LOCAL_RANKS": "1",
               "HPCMANDEL": str(project / "nothing"), "SEEN_FILE": str(project / "seen"), **variables}
        return project.run("bash", f"jobs/{script}", *arguments, env={key: value for key, value in env.items() if value is not None})

    return run


def launched(project):
    """The command that the stand-in got, up to the program."""
    words = (project / "seen").read_text().split("\0")[:-1]
    return " ".join(words[:words.index(str(project / "nothing"))])


@pytest.mark.parametrize("variables, expected", [
    ({}, "mpirun.mpich -np 4 -bind-to "),
    ({"HPCMANDEL_BIND": "none"}, "mpirun.mpich -np 4"),
    ({"HPCMANDEL_BIND": "numa"}, "mpirun.mpich -np 4 -bind-to numa"),
    ({"HPCMANDEL_MPIRUN": "my-mpirun", "HPCMANDEL_BIND": "none"}, "my-mpirun -np 4"),
    ({"HPCMANDEL_LAUNCH": "srun"}, "srun --mpi=pmi2 --nodes=1 --ntasks=4 --cpus-per-task=2 --cpu-bind=cores --wait=60"),
    ({"HPCMANDEL_LAUNCH": "srun", "HPCMANDEL_SRUN_MPI": "pmix", "HPCMANDEL_BIND": "none"},
     "srun --mpi=pmix --nodes=1 --ntasks=4 --cpus-per-task=2 --cpu-bind=none --wait=60"),
])
def test_launchers(project, job, variables, expected):
    done = job("mandel.slurm", HPCMANDEL_LOCAL_RANKS="4", HPCMANDEL_LOCAL_THREADS="2", **variables)
    assert done.returncode == 0, done.stderr
    found = launched(project)
    if expected.endswith("-bind-to "):  # bound only where there are processors for all ranks and threads
        assert re.fullmatch(f"{expected[:-len(' -bind-to ')]}( -bind-to (core|hwthread):2)?", found)
    else:
        assert found == expected


@pytest.mark.parametrize("variables, code, message", [
    ({"HPCMANDEL_LAUNCH": "aprun"}, 64, "HPCMANDEL_LAUNCH must be mpirun, srun or none, not 'aprun'"),
    ({"HPCMANDEL_LAUNCH": "none", "HPCMANDEL_LOCAL_RANKS": "2"}, 64, "starts one rank, and the job has 2"),
    ({"HPCMANDEL": "/nowhere/hpcmandel"}, 69, "HPCMANDEL is '/nowhere/hpcmandel', which is no program here"),
    ({"HPCMANDEL_MPIRUN": "no-mpirun"}, 69, "HPCMANDEL_MPIRUN is 'no-mpirun', which is no program here"),
    ({"HPCMANDEL_RESTARTS": "often"}, 64, "HPCMANDEL_RESTARTS must be a number from 0"),
    ({"HPCMANDEL_MARGIN": "0"}, 64, "HPCMANDEL_MARGIN must be a number from 1"),
    ({"HPCMANDEL_SCHEDULER": "lsf"}, 64, "no scheduler 'lsf'; there are slurm pbs local"),
    ({"HPCMANDEL_MODULES": "absent"}, 69, "module load absent failed"),
])
def test_what_cannot_be(project, job, variables, code, message):
    module = project.write("modules/init/bash", 'module() { [ "$2" != absent ]; }\n').parent.parent
    done = job("mandel.slurm", *SHORT, MODULESHOME=str(module), LMOD_PKG=None, **variables)
    assert done.returncode == code and message in done.stderr, done
    assert not (project / "seen").exists()


def test_modules(project, job):
    """They are loaded before the program is looked for."""
    home = project.write("modules/init/bash", f'module() {{ echo "module $*"; PATH={project / "theirs"}:$PATH; }}\n').parent.parent
    project.write("theirs/hpcmandel-of-a-module", '#!/bin/bash\necho "here: $*"\n', 0o755)
    done = job("mandel.slurm", "check", HPCMANDEL_MODULES="mpich hdf5/1.14", MODULESHOME=str(home), LMOD_PKG=None,
               HPCMANDEL="hpcmandel-of-a-module", HPCMANDEL_LAUNCH="none")
    assert done.returncode == 0, done.stderr
    assert "module load mpich hdf5/1.14" in done.stdout and "here: check" in done.stdout


def test_state_and_name(project, job):
    done = job("mandel.slurm", HPCMANDEL_STATE="else where", HPCMANDEL_LOCAL_ID="j 1", HPCMANDEL_LOCAL_NAME="my/job",
               HPCMANDEL_LAUNCH="none")
    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in (project / "else where/j_1.journal").read_text().splitlines()] == ["start", "end"]
    assert "results/my_job-j_1.h5" in done.stderr


def test_several_items_a_task(project, reference):
    """Task 2 of 3 items, 2 a task, has the third alone."""
    env = {**clean_environment(), "HPCMANDEL_LOCAL_RANKS": "1", "HPCMANDEL_PER_TASK": "2", "HPCMANDEL_LOCAL_ID": "j"}
    for task, frames in (("1", [1, 2]), ("2", [1, 2, 3])):
        done = project.run("bash", "jobs/zoom.slurm", "3:0.03:3", "--size", "60x40", env={**env, "HPCMANDEL_LOCAL_TASK": task})
        assert done.returncode == 0, done.stderr
        assert sorted(int(path.stem[6:]) for path in project.folder.glob("results/zoom-j/*.h5")) == frames
    assert crc_of(project / "results/zoom-j/frame-00003.h5") == reference("--size", "60x40", "--span", "0.03")


def test_study(project, reference):
    """The matrix as it was asked for, in the file that was named; what there are no processors for is left out."""
    env = {**clean_environment(), "HPCMANDEL_LOCAL_RANKS": "2", "HPCMANDEL_STUDY_RANKS": "1 2 3000", "HPCMANDEL_STUDY_THREADS": "1 2",
           "HPCMANDEL_STUDY_REPETITIONS": "1", "HPCMANDEL_STUDY_CSV": "some where/s.csv", "HPCMANDEL_STUDY_OVERCOMMIT": "yes"}
    done = project.run("bash", "jobs/strong.slurm", *SHORT, env={**env, "HPCMANDEL_STUDY_RANKS": "1 2"})
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((project / "some where/s.csv").open()))
    assert [(r["ranks_per_node"], r["threads"], r["repetition"]) for r in rows] == \
        [(ranks, threads, i) for i in "01" for threads in "12" for ranks in "12"]
    assert {r["crc32"] for r in rows} == {reference(*SHORT)} and {r["nodes"] for r in rows} == {"1"}
    done = project.run("bash", "jobs/strong.slurm", *SHORT, env={**env, "HPCMANDEL_STUDY_OVERCOMMIT": "", "HPCMANDEL_STUDY_RANKS": "3000"})
    assert done.returncode == 0 and done.stderr.count("left out: 3000 ranks x ") == 2, done.stderr
    done = project.run("bash", "jobs/strong.slurm", *SHORT, env={**env, "HPCMANDEL_STUDY_NODES": "2"})
    assert done.returncode == 64 and "HPCMANDEL_STUDY_NODES: each must be a number from 1 to 1, not '2'" in done.stderr


def test_study_on_a_terminal(project):
    """One line that is written over and over; what is said takes its place. Numbers are decimal, however they are written."""
    env = {**clean_environment(), "HPCMANDEL_LOCAL_RANKS": "1", "HPCMANDEL_STUDY_REPETITIONS": "1", "HPCMANDEL_STUDY_RANKS": "01 08",
           "HPCMANDEL_STUDY_OVERCOMMIT": "yes", "HPCMANDEL_STUDY_THREADS": "01"}
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb") as screen:
        with subprocess.Popen(["bash", "jobs/strong.slurm", *SHORT], cwd=project.folder, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=theirs) as process:
            os.close(theirs)
            text = b""
            with contextlib.suppress(OSError):  # the last one that had it open has closed it
                while more := screen.read1(4096):
                    text += more
        assert process.returncode == 0, text
    lines = [line.rpartition("\x1b[K")[2].strip("\r") for line in text.decode().split("\n")]
    at = [i for i, line in enumerate(lines) if line.startswith("hpcmandel: rows in ")]
    assert len(at) == 1 and lines[at[0] - 1].startswith("hpcmandel: node "), lines
    assert b"\r\x1b[Kstrong: repetition 1 of 1, 1 x 8 ranks x 1 threads, auto\r" in text


@pytest.mark.parametrize("before, code", [
    ("", 0), ("study,nodes", 65), ("other\n", 65), ("{columns}", 0), ("{columns}\n", 0), ("{columns}\nstrong,1,1,1,auto,0,ok", 0)])
def test_study_file(project, before, code):
    """What is not this study's is left alone; lines that were cut short are written anew."""
    columns = re.search(r"study_columns=(\S+)\nstudy_columns\+=(\S+)\nstudy_columns\+=(\S+)", (ROOT / "jobs/lib/study.sh").read_text())
    before = before.format(columns="".join(columns.groups()))
    path = project.write("results/strong.csv", before)
    env = {**clean_environment(), "HPCMANDEL_LOCAL_RANKS": "1", "HPCMANDEL_STUDY_REPETITIONS": "1"}
    done = project.run("bash", "jobs/strong.slurm", *SHORT, env=env)
    assert done.returncode == code, done.stderr
    if code:
        assert path.read_text() == before and "has other columns" in done.stderr
    else:
        assert [row["status"] for row in csv.DictReader(path.open())] == ["ok", "ok"]


def test_full_disk(project):
    """Where the log cannot be written, and neither the rows of a study, the exit code still says what was wrong."""
    env = {**clean_environment(), "HPCMANDEL_LOCAL_RANKS": "1", "HPCMANDEL_LAUNCH": "none"}
    for words, code in ((["--max-iter", "many"], 64), (SHORT, 0)):
        done = project.run("bash", "-c", 'exec bash jobs/mandel.slurm "$@" 2>/dev/full', "job", *words, env=env)
        assert done.returncode == code, done
    (project / "full.csv").symlink_to("/dev/full")
    done = project.run("bash", "jobs/strong.slurm", *SHORT, env={**env, "HPCMANDEL_STUDY_CSV": "full.csv"})
    assert done.returncode == 74 and "cannot write full.csv" in done.stderr, done


def test_chain_dry(project):
    done = project.run("jobs/chain", "--scheduler", "slurm", "--dry-run", "--nodes", 2, "--", "--config", "configs/star.ini",
                       "--output", "results/a b.h5")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("render   sbatch --parsable -N 2 ")
    assert [shlex.split(line)[3:] for line in lines[1:3]] == [
        ["analyze", "results/a b.h5", "--json", "results/a b.json"], ["export", "results/a b.h5", "--png", "results/a b.png"]]
    assert not (project / "results").exists()
    for words in (["--job", "zoom"], ["--array", "1-2"], ["--", "export", "x.h5"]):
        done = project.run("jobs/chain", "--scheduler", "slurm", "--dry-run", *words)
        assert done.returncode == 64 and done.stdout == "", done


@pytest.mark.parametrize("scheduler, program, after, after_failed", [
    ("slurm", "sbatch", "--dependency=afterok:1", "--dependency=afternotok:1"),
    ("pbs", "qsub", "depend=afterok:1", "depend=afterany:1"),
])
def test_chain(project, scheduler, program, after, after_failed):
    """What is submitted, by a scheduler that only counts."""
    project.write(f"bin/{program}", f'#!/bin/bash\nprintf "%q " "$@" >>"{project / "seen"}"\necho >>"{project / "seen"}"\n'
                                    f'wc -l <"{project / "seen"}"\n', 0o755)
    project.write("bin/sinfo", "#!/bin/bash\n", 0o755)
    env = {**clean_environment(), "PATH": f"{project / 'bin'}:{clean_environment()['PATH']}", "CHAIN_REQUEST": "--nodes 3 --threads 2"}
    done = project.run("jobs/chain", "--scheduler", scheduler, "--nodes", 5, "--queue", "q", "--account=a", "--name", "n", "--",
                       "render", "--output", "results/a b.h5", env=env)
    assert done.stdout.split() == ["render", "1", "analyze", "2", "export", "3", "note", "4"], done
    lines = [shlex.split(line) for line in (project / "seen").read_text().splitlines()]
    assert not [word for word in lines[0] if word.startswith(("--dependency", "depend="))]
    assert all(after in line for line in lines[1:3]) and after_failed in lines[3]
    assert all({"slurm": {"--partition=q", "--account=a"}, "pbs": {"q", "a"}}[scheduler] <= set(line) for line in lines)
    assert [line[line.index("-N") + 1] if scheduler == "slurm" else re.search(r"select=(\d)", " ".join(line))[1]
            for line in lines] == ["5", "3", "3", "1"]
    if scheduler == "slurm":
        assert lines[1][-4:] == ["analyze", "results/a b.h5", "--json", "results/a b.json"]
        assert lines[2][-4:] == ["export", "results/a b.h5", "--png", "results/a b.png"]
        assert lines[3][-3:] == ["1", "results/a b.h5", "results/n-1.log"]
