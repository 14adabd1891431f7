"""Every PBS script's body in the environment that PBS makes: a node file, PBS_* variables, another folder, stand-ins for its
commands that write down how they were called."""

import csv
import re
import shutil
import signal
import subprocess
import time

import pytest
from conftest import LONG, ROOT, SHORT, clean_environment, crc_of, rows_done
from slurm_cluster import until

# What qstat -f prints of a job; long values are broken as PBS breaks them.
QSTAT = """\
Job Id: 12.server
    Job_Name = named
    queue = workq
    Resource_List.ncpus = 4
    Resource_List.place = scatter
    Resource_List.select = {select}
    Resource_List.walltime = {walltime}
    exec_host = {hosts}
    depend = {depend}
    Submit_arguments = -N named {script}
"""
TWO = "1:ncpus=2:mpiprocs=2:ompthreads=1+1:ncpus=2:mpiprocs=2:ompthreads=1"
FOLLOWERS = {"20.server": "afterok:12.server@server:9.server@server", "21.server": "afternotok:12.server@server"}


class Simulated:
    """A folder of stand-ins for PBS's commands, and a job's environment."""

    def __init__(self, project, walltime="01:00:00", script="jobs/mandel.pbs"):
        self.project = project
        self.bin = project / "pbs-bin"
        self.bin.mkdir()
        self.walltime = walltime
        self.script = script
        self.depend = "beforeok:20.server@server,beforenotok:21.server@server,beforeany:13.server@server"
        followers = "\n".join(f"    {job}) printf 'Job Id: {job}\\n    depend = {depend}\\n' ;;" for job, depend in FOLLOWERS.items())
        self.stand_in("qstat", f'case "${{@: -1}}" in\n{followers}\n    *) cat "{self.bin}/qstat.txt" ;;\nesac\n')
        self.stand_in("qsub", f'printf "%s\\0" "$@" >"{self.bin}/qsub.seen"\necho 13.server\n')
        self.stand_in("qalter", f'printf "%s\\n" "$*" >>"{self.bin}/qalter.seen"\n')
        self.env = {**clean_environment(), "PATH": f"{self.bin}:{clean_environment()['PATH']}", "PBS_JOBID": "12.server",
                    "PBS_JOBNAME": "named", "PBS_O_WORKDIR": str(project.folder), "PBS_ENVIRONMENT": "PBS_BATCH",
                    "PBS_QUEUE": "workq", "HYDRA_LAUNCHER": "fork"}
        self.nodes(["a", "a", "b", "b"], TWO)
        # Where PBS runs a copy of the script
        self.spool = project / "spool"
        self.spool.mkdir()

    def stand_in(self, name, body):
        self.project.write(f"pbs-bin/{name}", f"#!/bin/bash\n{body}", 0o755)

    def nodes(self, lines, select):
        """The node file, the request, and the variables that PBS makes of its first chunk."""
        self.env["PBS_NODEFILE"] = str(self.project.write("nodefile", "".join(f"{line}\n" for line in lines)))
        ncpus = re.search(r"ncpus=(\d+)", select)[1]
        threads = re.search(r"ompthreads=(\d+)", select)
        self.env["NCPUS"] = self.env["OMP_NUM_THREADS"] = threads[1] if threads else ncpus
        self.hosts = "+".join(f"{host}/0*{ncpus}" if ncpus != "1" else f"{host}/0" for host in sorted(set(lines)))
        self.select = select[:40] + ("\n\t" + select[40:] if select[40:] else "")
        self.describe()

    def describe(self):
        self.project.write("pbs-bin/qstat.txt", QSTAT.format(walltime=self.walltime, script=self.script, hosts=self.hosts, depend=self.depend,
                                                             select=self.select))

    def begin(self, script, *arguments, **env):
        """Starts a job: a copy of the script in the spool folder."""
        spooled = self.spool / "12.server.SC"
        shutil.copy(ROOT / f"jobs/{script}.pbs", spooled)
        if arguments:
            env["HPCMANDEL_ARGS"] = " ".join(map(str, arguments))
        return subprocess.Popen(["bash", spooled], cwd="/", env={**self.env, **env}, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    @staticmethod
    def end(job):
        """The finished job, with what it said."""
        try:
            out, err = job.communicate(timeout=300)
        finally:
            job.kill()
        return subprocess.CompletedProcess(job.args, job.returncode, out, err)

    def run(self, script, *arguments, **env):
        return self.end(self.begin(script, *arguments, **env))

    def struck(self, number, output, script, *arguments, **env):
        """A job that gets a signal when some rows are done."""
        job = self.begin(script, *arguments, **env)
        until("some rows", lambda: job.poll() is not None or rows_done(self.project / output) > 0.08, pause=0.05)
        job.send_signal(number)
        done = self.end(job)
        assert 0 < rows_done(self.project / output) < 1, done.stderr
        return done


@pytest.fixture
def pbs(project):
    return Simulated(project)


def test_mandel(pbs, project, reference):
    done = pbs.run("mandel", *SHORT)
    assert done.returncode == 0, done.stderr
    assert crc_of(project / "results/named-12.h5") == reference(*SHORT)
    assert re.search(r"^ranks 4 x 1 threads on 2 nodes", done.stdout, re.M), done.stdout
    assert re.search(r"^strategy hier,", done.stdout, re.M)
    assert "node a: 2 ranks x 1 threads" in done.stderr and "node b: 2 ranks" in done.stderr
    assert re.search(r"time left 3[56]\d\d s; stops 120 s ahead", done.stderr), done.stderr


@pytest.mark.parametrize("lines, select, expected", [
    (["a"], "1:ncpus=4", "1 x 4 threads on 1 node"),  # no mpiprocs: one rank with all processors
    (["a", "a", "a", "a"], "1:ncpus=4:mpiprocs=4", "4 x 1 threads on 1 node"),  # the processors are for all ranks
    (["a", "a"], "1:ncpus=4:mpiprocs=2:ompthreads=2", "2 x 2 threads on 1 node"),
    (["a", "a"], "1:ncpus=4:mpiprocs=2", "2 x 2 threads on 1 node"),
    (["a", "a"], "1:ncpus=4:mpiprocs=2:ompthreads=1", "2 x 1 threads on 1 node"),
    (["a", "a", "b"], "1:ncpus=2:mpiprocs=2:ompthreads=1+1:ncpus=1:mpiprocs=1:ompthreads=1", "3 x 1 threads on 2 nodes"),
    (["a", "b", "a"], "3:ncpus=1:mpiprocs=1:ompthreads=1", "3 x 1 threads on 2 nodes"),
])
def test_allocations(pbs, lines, select, expected):
    pbs.nodes(lines, select)
    done = pbs.run("mandel", *SHORT)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^ranks {expected}", done.stdout, re.M), done.stdout


def test_allocation_without_qstat(pbs):
    """Where the server does not answer, the variables have to do."""
    pbs.stand_in("qstat", "exit 1\n")
    pbs.nodes(["a", "a"], "1:ncpus=4:mpiprocs=2")
    done = pbs.run("mandel", *SHORT)
    assert done.returncode == 0 and re.search(r"^ranks 2 x 2 threads on 1 node", done.stdout, re.M), done


def test_other_commands(pbs, project, reference):
    assert pbs.run("mandel", *SHORT, "--output", "results/x.h5").returncode == 0
    done = pbs.run("mandel", "export", "results/x.h5", "--png", "results/x.png", HPCMANDEL_LAUNCH="mpirun")
    assert done.returncode == 0, done.stderr
    assert (project / "results/x.png").exists()
    assert crc_of(project / "results/x.h5") == reference(*SHORT)


@pytest.mark.parametrize("origin", ["home", "absolute", "relative", "workdir"])
def test_library_is_found(pbs, project, tmp_path, origin):
    """The script is a copy in a spool folder: from wherever it came, the library is found."""
    anywhere = tmp_path / "any where"
    anywhere.mkdir()
    env = {"PBS_O_WORKDIR": str(anywhere)}
    script = "jobs/mandel.pbs"
    if origin == "home":
        env["HPCMANDEL_HOME"] = str(project.folder)
    elif origin == "absolute":
        script = f"{project.folder}/jobs/mandel.pbs"
    elif origin == "relative":
        script = "../project/jobs/mandel.pbs"
    else:
        env["PBS_O_WORKDIR"] = str(project.folder)
    pbs.script = script
    pbs.describe()
    done = pbs.run("mandel", *SHORT, **env)
    assert done.returncode == 0, done.stderr
    none = pbs.run("mandel", *SHORT, PBS_O_WORKDIR=str(anywhere), PATH="/usr/bin:/bin")
    assert none.returncode == 69 and "set HPCMANDEL_HOME" in none.stderr or origin == "home"


def stopped(pbs, **env):
    """A long run that is told to stop half-way."""
    return pbs.struck(signal.SIGUSR1, "results/s.h5", "mandel", *LONG, "--output", "results/s.h5", **env)


def qsub_seen(pbs):
    path = pbs.bin / "qsub.seen"
    return path.read_text().split("\0")[:-1] if path.exists() else None


def test_successor(pbs, project, reference):
    """A job that is not complete submits one that goes on, and what waited for it waits for that one."""
    done = stopped(pbs)
    # With another code PBS would delete those that wait for success, whatever they wait for now.
    assert done.returncode == 0, done.stderr
    assert "ends with 75" in done.stderr and "goes on as job 13.server" in done.stderr
    seen = qsub_seen(pbs)
    assert seen[seen.index("-W") + 1] == "depend=afterany:12.server"
    assert seen[seen.index("-N") + 1] == "named" and seen[seen.index("-q") + 1] == "workq"
    assert f"select={TWO}" in seen
    assert "place=scatter" in seen and "walltime=01:00:00" in seen
    assert seen[-1] == str(project / "jobs/mandel.pbs")
    alterations = (pbs.bin / "qalter.seen").read_text().splitlines()
    assert alterations == ["-W depend=afterok:13.server:9.server@server 20.server",
                           "-W depend=afternotok:13.server 21.server"]
    # The successor as PBS would run it
    variables = dict(word.split("=", 1) for word in seen[seen.index("-v") + 1].split(",") if "=" in word)
    done = pbs.run("mandel", PBS_JOBID="13.server", **variables)
    assert done.returncode == 0, done.stderr
    assert " --resume " in done.stderr
    assert crc_of(project / "results/s.h5") == reference(*LONG)


def test_successor_that_nobody_waits_for(pbs):
    pbs.depend = "beforeok:13.server@server"  # the successor itself
    pbs.describe()
    done = stopped(pbs)
    assert done.returncode == 75 and "goes on as job 13.server" in done.stderr
    assert not (pbs.bin / "qalter.seen").exists()


@pytest.mark.parametrize("journal, runs", [("1 start\n2 end 64\n", True), ("1 start\n2 end 0\n", False),
                                           ("1 start\n2 again 13\n2 end 75\n3 start\n4 end 0\n", False),
                                           ("1 start\n2 again 13\n2 end 75\n", True), ("", True)])
def test_after_failure(pbs, project, journal, runs):
    """A job that is to follow a failure looks itself whether there was one."""
    if journal:
        project.write("results/.jobs/11.journal", journal)
    done = pbs.run("note", "11.server", "results/none.h5", "results/none.log", HPCMANDEL_AFTER_FAILED="11.server")
    assert done.returncode == 0, done.stderr
    assert (project / "results/11.server.failed.txt").exists() == runs


def test_successor_of_an_array_task(pbs, project):
    """The array has not failed: what follows it waits for the successor as well."""
    project.write("v.ini", "size = 1200x800\nmax-iter = 8000\ninterior = none\nisa = scalar\n")
    project.write("list", "v.ini\nv.ini\n")
    done = pbs.struck(signal.SIGUSR1, "results/named-12/2-v.h5", "views", "list", PBS_JOBID="12[2].server", PBS_ARRAY_INDEX="2")
    assert done.returncode == 0 and "goes on as job 13.server" in done.stderr, done.stderr
    alterations = (pbs.bin / "qalter.seen").read_text().splitlines()
    assert alterations == ["-W depend=afterok:12.server@server:9.server@server,afterok:13.server 20.server",
                           "-W depend=afternotok:12.server@server,afternotok:13.server 21.server"]
    seen = qsub_seen(pbs)
    assert seen[-1].endswith("/jobs/views.pbs") and "-J" not in seen
    assert "-W" not in seen  # PBS refuses those that depend on a task: the successor waits itself
    variables = dict(word.split("=", 1) for word in seen[seen.index("-v") + 1].split(",") if "=" in word)
    journal = project / "results/.jobs/12_2.journal"
    lines = journal.read_text().splitlines(keepends=True)
    assert [line.split()[1] for line in lines] == ["start", "again", "end"]
    journal.write_text("".join(lines[:2]))  # the task has not ended yet
    job = pbs.begin("views", PBS_JOBID="13.server", **variables)
    time.sleep(1.5)
    with journal.open("a") as file:
        file.write(lines[2])
    done = pbs.end(job)
    assert [line.split()[1] for line in journal.read_text().splitlines()] == ["start", "again", "end", "start", "end"]
    assert "view 2 of 2" in done.stderr and "view 1 of 2" not in done.stderr
    assert " --resume " in done.stderr and "results/named-12/2-v.h5" in done.stderr


def test_requeued_by_pbs(pbs, project, reference):
    """The same id starts again, as after a lost node: it goes on where it was."""
    stopped(pbs, HPCMANDEL_RESTARTS="0")
    assert qsub_seen(pbs) is None
    done = pbs.run("mandel", *LONG, "--output", "results/s.h5")
    assert done.returncode == 0 and "restart 1" in done.stderr and " --resume " in done.stderr
    assert crc_of(project / "results/s.h5") == reference(*LONG)


def test_restart_limit(pbs):
    done = stopped(pbs, HPCMANDEL_RESTARTS="0")
    assert done.returncode == 75 and "restarted 0 times already" in done.stderr
    assert qsub_seen(pbs) is None


def test_no_successor_to_be_had(pbs):
    pbs.stand_in("qsub", "echo 'qsub: would exceed a limit' >&2\nexit 38\n")
    done = stopped(pbs)
    assert done.returncode == 75 and "could not be restarted" in done.stderr and "--resume" in done.stderr


@pytest.mark.parametrize("code, arguments", [(64, ["--max-iter", "many"]), (64, ["--config", "nowhere.ini"]),
                                             (65, [*SHORT, "--output", "not.h5", "--resume"])])
def test_not_restarted(pbs, project, code, arguments):
    project.write("not.h5", "not a data set file\n")
    done = pbs.run("mandel", *arguments)
    assert done.returncode == code and "not restarted" in done.stderr
    assert qsub_seen(pbs) is None


def test_time_limit(project):
    """The job stops itself ahead of its walltime, in a run that no machine ends before."""
    pbs = Simulated(project, walltime="00:00:05")
    pbs.depend = "beforeok:13.server@server"
    pbs.describe()
    done = pbs.run("mandel", *LONG, "--max-iter", "100000000", "--output", "results/s.h5", HPCMANDEL_MARGIN="1")
    assert done.returncode == 75, done.stderr
    assert "got SIGUSR1" in done.stderr and qsub_seen(pbs) is not None


def test_deleted(pbs):
    """TERM, as by qdel: the file can be gone on with, and nothing is submitted."""
    done = pbs.struck(signal.SIGTERM, "results/d.h5", "mandel", *LONG, "--output", "results/d.h5")
    assert done.returncode == 75 and "ended from outside" in done.stderr, done.stderr
    assert qsub_seen(pbs) is None


def test_views_and_zoom(pbs, project, reference):
    project.write("one.ini", "size = 90x60\n")
    project.write("list", "one.ini\none.ini\n")
    for index in (1, 2):
        job = {"PBS_JOBID": f"12[{index}].server", "PBS_ARRAY_INDEX": str(index), "PBS_ARRAY_ID": "12[].server"}
        assert pbs.run("views", "list", **job).returncode == 0
        assert crc_of(project / f"results/named-12/{index}-one.h5") == reference("--size", "90x60")
        assert pbs.run("zoom", "3:0.03:2", "--size", "90x60", **{**job, "PBS_JOBNAME": "z"}).returncode == 0
    assert crc_of(project / "results/z-12/frame-00002.h5") == reference("--size", "90x60", "--span", "0.03")
    done = pbs.run("views", "list", PBS_JOBID="12[3].server", PBS_ARRAY_INDEX="3")
    assert done.returncode == 64 and "there are 2 items" in done.stderr


def test_studies(pbs, project):
    variables = {"HPCMANDEL_STUDY_REPETITIONS": "1", "HPCMANDEL_STUDY_RANKS": "1 2", "HPCMANDEL_STUDY_STRATEGIES": "block counter"}
    for kind, rows in (("strong", 16), ("weak", 16)):
        done = pbs.run(kind, *SHORT, **variables)
        assert done.returncode == 0, done.stderr
        found = list(csv.DictReader((project / f"results/{kind}.csv").open()))
        assert len(found) == rows and {row["status"] for row in found} == {"ok"}
        assert {row["nodes"] for row in found} == {"1", "2"} and {row["job"] for row in found} == {"12.server"}


def test_note(pbs, project):
    project.write("results/left.h5", "")
    done = pbs.run("note", "11.server", "results/left.h5", "results/none.log")
    assert done.returncode == 0, done.stderr
    assert "go on" in (project / "results/11.server.failed.txt").read_text()
    done = pbs.run("note", "10.server", HPCMANDEL_STATE="state")
    assert done.returncode == 0, done.stderr
    assert "file" not in (project / "results/10.server.failed.txt").read_text()


def test_launcher_of_pbs(pbs, project):
    """Other nodes are reached by PBS's own remote shell where there is one, unless the user says how."""
    project.write("pbs-bin/mpirun.mpich", '#!/bin/bash\necho "$HYDRA_LAUNCHER $HYDRA_LAUNCHER_EXEC $*" >"$PBS_O_WORKDIR/seen"\n', 0o755)
    pbs.stand_in("pbs_tmrsh", "")
    env = {"HPCMANDEL_MPIRUN": str(pbs.bin / "mpirun.mpich")}
    pbs.run("mandel", *SHORT, **env)
    assert (project / "seen").read_text().startswith("fork  -np 4")
    del pbs.env["HYDRA_LAUNCHER"]
    pbs.run("mandel", *SHORT, **env)
    assert (project / "seen").read_text().startswith(f"rsh {project.folder}/jobs/lib/pbs-rsh -np 4")
    pbs.stand_in("pbs_tmrsh", f'printf "%s\\n" "$@" >"{pbs.bin}/tmrsh.seen"\n')
    done = project.run("jobs/lib/pbs-rsh", "n2", '"/a b/hydra_pmi_proxy"', "--x", env=pbs.env)
    assert done.returncode == 0, done.stderr
    assert (pbs.bin / "tmrsh.seen").read_text().splitlines() == ["n2", "/a b/hydra_pmi_proxy", "--x"]
