"""The shipped job scripts, unchanged, on a real Slurm: a throwaway one of four nodes."""

import json
import re
import shlex
import shutil
import tempfile
import time

import pytest
from cases import FINAL, Cases
from conftest import LONG, PROGRAM, ROOT, SHORT, Project, crc_of
from slurm_cluster import SlurmCluster, missing, until


@pytest.fixture(scope="session")
def cluster():
    assert not missing(), f"make deps-test; missing: {missing()}"
    # Short, as the name of a socket must be.
    folder = tempfile.mkdtemp(prefix="hm-slurm-", dir="/tmp")
    one = SlurmCluster(folder)
    try:
        yield one.start()
    finally:
        one.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Slurm:
    """The driver: see cases.py."""

    name = "slurm"

    def __init__(self, cluster):
        self.cluster = cluster
        self.seen = {}

    def needs_launch(self, launch):
        pass

    def needs_nodes(self, number):
        pass

    def needs(self, what):
        pass

    def submit(self, project, job, arguments, nodes=1, ranks_per_node=1, ranks=None, threads=None, time_limit=None, array=None,
               variables=None, options=()):
        """sbatch, as a user types it."""
        command = ["sbatch", "--parsable", "-N", nodes, *options]
        command += ["-n", ranks] if ranks else [f"--ntasks-per-node={ranks_per_node}"]
        command += [f"--cpus-per-task={threads}"] if threads else []
        command += [f"--time={time_limit}"] if time_limit else []
        command += [f"--array={array}"] if array else []
        return self.cluster.command(*command, f"jobs/{job}.slurm", *arguments, cwd=project.folder, env=variables).strip()

    def details(self, job):
        return self.cluster.command("scontrol", "show", "job", "-o", job).splitlines()

    def values(self, job, key):
        return [m[1] for m in (re.search(rf"\b{key}=(\S+)", line) for line in self.details(job)) if m]

    def state(self, job):
        words = {"COMPLETED": "done", "PENDING": "waiting", "FAILED": "failed", "CANCELLED": "cancelled", "TIMEOUT": "failed",
                 "NODE_FAIL": "failed", "PREEMPTED": "failed"}
        found = {words.get(state, "running") for state in self.values(job, "JobState")}
        for word in ("running", "waiting", "failed", "cancelled", "done"):
            if word in found:
                return word
        return "unknown"

    def code(self, job):
        return int(self.values(job, "ExitCode")[0].split(":")[0])

    def task_codes(self, job):
        return [int(code.split(":")[0]) for code in self.values(job, "ExitCode")]

    def restarts(self, job):
        return int(self.values(job, "Restarts")[0])

    def log(self, project, job):
        logs = [project / f"slurm-{job}.out", *sorted(project.folder.glob(f"slurm-{job}_*.out")),
                *sorted(project.folder.glob(f"results/*-{job}*.log"))]
        return "".join(path.read_text() for path in logs if path.exists())

    def key(self, job):
        return job

    def after(self, job):
        return [f"--dependency=afterok:{job}"]

    def task(self, job, index):
        return f"{job}_{index}"

    def warn(self, job):
        self.cluster.command("scancel", "--batch", "--signal=USR1", job)

    def hurry(self, job):
        """A requeued job waits until its credential has expired; two seconds are enough (within one, Slurm takes the next start
        for the one that it has just revoked)."""
        if "BeginTime" in self.values(job, "Reason") and time.monotonic() - self.seen.setdefault(job, time.monotonic()) > 2.5:
            del self.seen[job]
            self.cluster.command("scontrol", "update", f"jobid={job}", "StartTime=now", check=False)

    def cancel(self, job):
        self.cluster.command("scancel", job)

    def preempt(self, job):
        """A job of a higher partition wants the whole node."""
        urgent = self.cluster.command("sbatch", "--parsable", "-p", "urgent", "-w", self.first_node(job), "-N", "1", "-n", "4",
                                      "-o", "/dev/null", "--wrap", "sleep 1").strip()
        until("preemption", lambda: self.state(job) != "running")
        until("the urgent job's end", lambda: self.state(urgent) in FINAL)

    def first_node(self, job):
        node = re.search(r"\bNodeList=(?:n(\d)|n\[(\d))", self.details(job)[0])
        return f"n{node[1] or node[2]}"

    def node_down(self, job):
        self.down = self.first_node(job)
        self.cluster.command("scontrol", "update", f"nodename={self.down}", "state=down", "reason=test")

    def nodes_up(self):
        self.cluster.command("scontrol", "update", f"nodename={self.down}", "state=resume", check=False)  # it may be up already
        until("all nodes idle", self.cluster.idle)

    def chain(self, project, arguments):
        done = project.run("jobs/chain", "--scheduler", "slurm", "--ranks-per-node", 2, "--name", "c", "--", *arguments,
                           env=self.cluster.environment)
        assert done.returncode == 0, done.stderr
        return dict(line.split() for line in done.stdout.splitlines())


@pytest.fixture(scope="session")
def driver(cluster):
    return Slurm(cluster)


@pytest.fixture(scope="session")
def limited(driver, tmp_path_factory):
    """A job with a real time limit, begun early as it takes a minute: its program works until it is told to stop."""
    project = Project(tmp_path_factory.mktemp("limited") / "project")
    project.write("slow", f"""#!/bin/bash
        trap 'echo told to stop; exit 75' USR1
        case " $* " in *" --resume "*) exec {PROGRAM} "${{@/--resume/--overwrite}}" ;; esac
        while :; do sleep 0.2; done
        """, 0o755)
    job = driver.submit(project, "mandel", [*SHORT, "--output", "results/l.h5"], time_limit="1", options=["-p", "apart"],
                        variables={"HPCMANDEL": str(project / "slow"), "HPCMANDEL_LAUNCH": "none"})
    return project, job


@pytest.fixture(scope="session", autouse=True)
def begin_early(limited):
    return limited


class TestSlurm(Cases):
    """The common cases, and those of Slurm alone."""

    def test_warned_ranks(self, driver, project, reference):
        """USR1 to the ranks alone, as by --signal=USR1@N."""
        job, output = self.interrupted(driver, project,
                                       lambda j: driver.cluster.command("scancel", "--signal=USR1", j))
        self.went_on(self.finish(driver, project, job))
        assert driver.restarts(job) == 1
        assert crc_of(project / output) == reference(*LONG)

    def test_line_of_plan(self, driver, project):
        """What plan prints is what Slurm takes; and it would say if it were not."""
        given = ["--speed", "2", "--band-cost", "50", "--byte-cost", "1", "--size", "300x200", "--json"]
        for nodes, code in ((4, 0), (9, 1)):
            planned = project.run("./hpcmandel", "plan", *given, "--nodes", nodes, "--ranks-per-node", 2, "--threads", 2)
            assert planned.returncode == 0, planned.stderr
            words = shlex.split(json.loads(planned.stdout)["commands"]["sbatch"])
            assert words[0] == "sbatch"
            tried = project.run("sbatch", "--test-only", *words[1:], env=driver.cluster.environment)
            assert tried.returncode == code, tried.stderr
            assert ("to start at" in tried.stderr) == (code == 0), tried.stderr

    def test_warned_under_srun(self, driver, project, reference):
        job, output = self.interrupted(driver, project, driver.warn, nodes=2, variables={"HPCMANDEL_LAUNCH": "srun"})
        self.went_on(self.finish(driver, project, job))
        assert driver.restarts(job) == 1
        assert crc_of(project / output) == reference(*LONG)

    def test_time_left_of_array_tasks(self, driver, project):
        """Every task knows its own, also the one whose id is the array's."""
        project.write("both", "#!/bin/bash\nuntil [ \"$(cat slurm-*_[12].out | grep -c 'time left')\" = 2 ]; do sleep 0.1; done\n", 0o755)
        job = driver.submit(project, "zoom", ["3:1:2"], array="1-2", time_limit="60",
                            variables={"HPCMANDEL": str(project / "both"), "HPCMANDEL_LAUNCH": "none"})
        log = self.finish(driver, project, job)
        assert len(re.findall(rf"^hpcmandel: .* job {job}_[12] ends with 0", log, re.M)) == 2, log

    def test_exit_code_under_srun(self, driver, project):
        job = driver.submit(project, "mandel", ["--max-iter", "many"], ranks_per_node=2, variables={"HPCMANDEL_LAUNCH": "srun"})
        self.finish(driver, project, job, "failed")
        assert driver.code(job) == 64 and driver.restarts(job) == 0

    def test_installed(self, driver, tmp_path, project, reference):
        """The installed program and scripts, from any folder, which have spaces in their names."""
        prefix = tmp_path / "the prefix"
        share = prefix / "share/hpcmandel"
        for folder in (prefix / "bin", share):
            folder.mkdir(parents=True)
        (prefix / "bin/hpcmandel").symlink_to(PROGRAM)
        project.run("cp", "-r", ROOT / "jobs", share / "jobs")
        anywhere = tmp_path / "any where"
        anywhere.mkdir()
        job = driver.cluster.command("sbatch", "--parsable", "-n", "2", share / "jobs/mandel.slurm", *SHORT, cwd=anywhere).strip()
        until("the end", lambda: driver.state(job) in FINAL)
        log = (anywhere / f"slurm-{job}.out").read_text()
        assert driver.state(job) == "done", log
        assert f"program {prefix}/bin/hpcmandel" in log
        assert crc_of(anywhere / f"results/mandel-{job}.h5") == reference(*SHORT)

    def test_submit(self, driver, project, reference):
        """jobs/submit from the request to the log."""
        env = {**driver.cluster.environment, "HPCMANDEL_POLL": "0.3"}
        run = lambda *words: project.run("jobs/submit", *words, env=env)  # noqa: E731
        done = run("--nodes", 2, "--ranks-per-node", 2, "--time", "00:05:00", "--name", "mine", "--", *SHORT)
        assert done.returncode == 0, done.stderr
        job = done.stdout.strip()
        assert run("wait", job).returncode == 0
        assert re.search(rf"^{job} +slurm +mine +done +0 ", run("status").stdout, re.M)
        assert "ranks 4 x 1 threads on 2 nodes" in run("log", job).stdout
        assert crc_of(project / f"results/mine-{job}.h5") == reference(*SHORT)
        bad = run("--", "--max-iter", "many").stdout.strip()
        assert run("wait", bad).returncode == 64
        long = run("--ranks-per-node", 2, "--", *LONG).stdout.strip()
        until("running", lambda: driver.state(long) == "running")
        assert run("cancel", long).returncode == 0
        assert run("wait", long).returncode != 0
        assert re.search(rf"^{long} .*cancelled", run("status", long).stdout, re.M)
        array = run("--job", "zoom", "--array", "1-2", "--", "3:1:2", "--size", "30x20").stdout.strip()
        assert run("wait", array).returncode == 0
        assert "2 done" in run("status", array).stdout
        assert "frame 2 of 2" in run("log", array).stdout

    @pytest.mark.parametrize("request_text", [
        "--nodes 2 --ranks-per-node 2 --threads 2 --time 00:30:00", "--nodes 3 --ranks 7", "--memory 500M --exclusive",
        "--queue urgent --time 1-00:00:00", "--nodes 4 --ranks-per-node 4"])
    def test_requests_are_accepted(self, driver, project, request_text):
        done = project.run("jobs/submit", "--scheduler", "slurm", "--option=--test-only", *request_text.split(),
                           env=driver.cluster.environment)
        assert done.returncode == 0, done.stderr

    def test_readme(self, driver, project):
        """What README tells to type, in a size that fits here."""
        lines = re.findall(r"^(?:.*`)?(sbatch [^`\n]*)", (ROOT / "README.md").read_text(), re.M)
        assert len(lines) >= 2
        for line in lines:
            words = shlex.split(re.sub(r"(--ntasks-per-node=)\d+", r"\g<1>2", line))
            driver.cluster.command("sbatch", "--test-only", *words[1:], cwd=project.folder)

    @pytest.mark.parametrize("request_text, reason", [
        ("--nodes 9", "9 nodes: there are 4"), ("--ranks-per-node 3 --threads 2", "6 processors a node"),
        ("--memory 1001M", "1001 MiB of memory a node: the nodes have at most 1000"),
        ("--queue apart --time 1-00:00:01", "longer than the 86400 seconds"),
        ("--queue none", "invalid partition")])
    def test_impossible_requests(self, driver, project, request_text, reason):
        """Refused with the reason, ours or the scheduler's own."""
        done = project.run("jobs/submit", "--scheduler", "slurm", *request_text.split(), "--", *SHORT,
                           env=driver.cluster.environment)
        assert done.returncode != 0 and reason in done.stderr, done
        assert not list(project.folder.glob("results/.jobs/*.job"))

    def test_time_limit(self, driver, limited, reference):
        """The job is told ahead of its time limit, and goes on after it. The last test, as this takes a minute."""
        project, job = limited
        log = self.finish(driver, project, job)
        assert "told to stop" in log and "stops" in log, log
        assert driver.restarts(job) == 1
        assert crc_of(project / "results/l.h5") == reference(*SHORT)
