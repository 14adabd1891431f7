"""The shipped job scripts, unchanged, on a real PBS, where one is at hand: OpenPBS or PBS Pro, with the default queue.

Run where qsub works, with TMPDIR in a folder that the nodes see too. HPCMANDEL_TEST_OPERATOR=yes: this
user may requeue jobs, so preemption is tested; HPCMANDEL_TEST_LOSE_NODE: a command that makes the node named by its argument
vanish, HPCMANDEL_TEST_FIND_NODE: one that brings it back.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from cases import Cases
from conftest import LONG, SHORT, Project, clean_environment, crc_of
from slurm_cluster import until


def why_not():
    if not shutil.which("qsub"):
        return "no PBS at hand: there is no qsub here"
    done = subprocess.run(["qstat", "-B"], capture_output=True, text=True, check=False)
    return f"PBS does not answer: {done.stderr.strip()}" if done.returncode else ""


REASON = why_not()


def test_pbs_is_at_hand_or_absent():
    """Where there is a qsub, there is a PBS that answers; elsewhere the cases below are skipped."""
    print(REASON or "a PBS is at hand")
    assert not REASON or REASON.startswith("no PBS at hand"), REASON


class Pbs:
    """The driver: see cases.py."""

    name = "pbs"

    def needs_launch(self, launch):
        if launch == "srun":
            pytest.skip("srun is Slurm's")

    def needs_nodes(self, number):
        nodes = re.findall(r"^ *state = (?:free|job-)", self.command("pbsnodes", "-a"), re.M)
        if len(nodes) < number:
            pytest.skip(f"{len(nodes)} nodes here, {number} needed")

    def needs(self, what):
        if what == "preempt" and os.environ.get("HPCMANDEL_TEST_OPERATOR") != "yes":
            pytest.skip("only operators may requeue jobs (HPCMANDEL_TEST_OPERATOR=yes)")
        if what == "node down" and not os.environ.get("HPCMANDEL_TEST_LOSE_NODE"):
            pytest.skip("no way to lose a node (HPCMANDEL_TEST_LOSE_NODE)")

    @staticmethod
    def command(*words, check=True, cwd=None, env=None):
        done = subprocess.run(list(map(str, words)), env={**clean_environment(), **(env or {})}, cwd=cwd, text=True, timeout=300,
                              capture_output=True, stdin=subprocess.DEVNULL, check=False)
        if check:
            assert done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def submit(self, project, job, arguments, nodes=1, ranks_per_node=1, ranks=None, threads=1, array=None, variables=None,
               options=()):
        command = ["jobs/submit", "--scheduler", "pbs", "--job", job, "--nodes", nodes, "--threads", threads, *options]
        command += ["--ranks", ranks] if ranks else ["--ranks-per-node", ranks_per_node]
        command += ["--array", array] if array else []
        done = self.command(*command, "--", *arguments, cwd=project.folder, env=variables).strip()
        self.project = project
        return done

    def journals(self, job):
        key = job.split(".")[0].removesuffix("[]")
        return sorted((self.project / "results/.jobs").glob(f"{key}.journal")) + \
            sorted((self.project / "results/.jobs").glob(f"{key}_*.journal"))

    def going(self, job):
        """The job, or what it goes on as."""
        again = [line.split()[2] for path in self.journals(job) for line in path.read_text().splitlines() if " again " in line]
        return again[-1] if again and "[]" not in job else job

    def attribute(self, job, key):
        found = re.search(rf"^ *{key} = (.*)$", self.command("qstat", "-x", "-f", job, check=False), re.M)
        return found[1] if found else None

    def state(self, job):
        done = self.command("jobs/submit", "status", job, cwd=self.project.folder, env={"PATH": os.environ["PATH"]})
        return done.splitlines()[1].split()[3]

    def code(self, job):
        return int(self.attribute(self.going(job), "Exit_status"))

    def task_codes(self, job):
        text = self.command("qstat", "-x", "-t", "-f", job)
        return [int(code) for code in re.findall(r"^ *Exit_status = (\d+)$", text.split("\nJob Id:", 1)[1], re.M)]

    def restarts(self, job):
        return sum(line.split()[1] == "start" for path in self.journals(job) for line in path.read_text().splitlines()) - 1

    def log(self, project, job):
        return self.command("jobs/submit", "log", job, cwd=project.folder, check=False)

    def key(self, job):
        return job.split(".")[0]

    def after(self, job):
        return ["--after", job]

    def task(self, job, index):
        return job.replace("[]", f"[{index}]")

    def warn(self, job):
        """To the script itself: qsig would also reach the shell that PBS starts it from, which dies of it."""
        scripts = [int(p.name) for p in Path("/proc").glob("[0-9]*") if self.runs(p, f"/{job}.SC")]
        if not scripts:
            pytest.skip(f"{job} runs on another machine: its script cannot be signalled")
        for pid in scripts:
            os.kill(pid, signal.SIGUSR1)

    @staticmethod
    def runs(process, script):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return False
        return len(words) > 1 and words[0].endswith("bash") and words[1].endswith(script)

    def hurry(self, job):
        pass

    def cancel(self, job):
        self.command("qdel", job)

    def preempt(self, job):
        """What preemption by requeueing does."""
        self.command("qrerun", job, check=False)  # it may take longer than qrerun waits

    def node_down(self, job):
        self.lost = re.search(r"\((\w+):", self.attribute(job, "exec_vnode"))[1]
        self.command(*shlex.split(os.environ["HPCMANDEL_TEST_LOSE_NODE"]), self.lost)

    def nodes_up(self):
        self.command(*shlex.split(os.environ["HPCMANDEL_TEST_FIND_NODE"]), self.lost)
        until("the node", lambda: "state = free" in self.command("pbsnodes", self.lost))

    def chain(self, project, arguments):
        self.project = project
        done = project.run("jobs/chain", "--scheduler", "pbs", "--ranks-per-node", 2, "--name", "c", "--", *arguments)
        assert done.returncode == 0, done.stderr
        return dict(line.split() for line in done.stdout.splitlines())


@pytest.fixture(scope="session")
def driver():
    return Pbs()


@pytest.mark.skipif(bool(REASON), reason=REASON)
class TestPbs(Cases):
    """The common cases, and those of PBS alone."""

    def test_qsub(self, driver, project, reference):
        """As a user types it; the request's own variable carries the arguments."""
        options = [*SHORT, "--center=-0.7,0.2"]
        arguments = " ".join([*options, "--output", "results/q.h5"])
        job = driver.command("qsub", "-l", "select=2:ncpus=2:mpiprocs=2:ompthreads=1", "-v", f"HPCMANDEL_ARGS='{arguments}'",
                             "jobs/mandel.pbs", cwd=project.folder).strip()
        until("the end", lambda: driver.attribute(job, "job_state") == "F")
        path = project / f"mandel.o{driver.key(job)}"  # PBS brings it when the job has ended
        until("the log", lambda: path.exists() and re.search(r"ends with \d+ after", path.read_text()))
        log = path.read_text()
        assert driver.attribute(job, "Exit_status") == "0", log
        assert crc_of(project / "results/q.h5") == reference(*options)
        assert "ranks 4 x 1 threads" in log

    def test_from_elsewhere(self, driver, tmp_path, reference):
        """The project is in a folder with spaces in its name, and jobs are submitted from another."""
        home = Project(tmp_path / "the project")
        (tmp_path / "any where").mkdir()
        run = lambda *words: home.run(home / "jobs/submit", *words, cwd=tmp_path / "any where",  # noqa: E731
                                      env={**clean_environment(), "HPCMANDEL_POLL": "0.3"})
        job = run("--scheduler", "pbs", "--ranks-per-node", 2, "--", *SHORT).stdout.strip()
        assert run("wait", job).returncode == 0, run("log", job)
        assert f"program {home.folder}/hpcmandel" in run("log", job).stdout
        assert crc_of(tmp_path / f"any where/results/mandel-{driver.key(job)}.h5") == reference(*SHORT)

    def test_chain_across_a_restart(self, driver, project, reference):
        """What waits for a job waits for its successor too."""
        jobs = driver.chain(project, [*LONG, "--output", "results/c.h5"])
        self.under_way(driver, project, jobs["render"], "results/c.h5")
        driver.warn(jobs["render"])
        self.went_on(self.finish(driver, project, jobs["render"]))
        self.finish(driver, project, jobs["export"])
        assert (project / "results/c.png").exists()
        assert crc_of(project / "results/c.h5") == reference(*LONG)

    def test_time_limit(self, driver, project, reference):
        """The job stops ahead of its walltime of a minute, and goes on after it."""
        project.write("slow", f"""#!/bin/bash
            trap 'echo told to stop; exit 75' USR1
            case " $* " in *" --resume "*) exec {project / 'hpcmandel'} "${{@/--resume/--overwrite}}" ;; esac
            while :; do sleep 0.2; done
            """, 0o755)
        job = driver.submit(project, "mandel", [*SHORT, "--output", "results/l.h5"], options=["--time", "00:01:00"],
                            variables={"HPCMANDEL": str(project / "slow"), "HPCMANDEL_LAUNCH": "none"})
        log = self.finish(driver, project, job)
        assert "told to stop" in log and driver.restarts(job) == 1
        assert crc_of(project / "results/l.h5") == reference(*SHORT)

    @pytest.mark.parametrize("request_text, reason", [("--nodes 9999", "9999 nodes: there are"),
                                                      ("--ranks-per-node 9999", "9999 processors a node"),
                                                      ("--memory 9999999G", "MiB of memory a node")])
    def test_impossible_requests(self, driver, project, request_text, reason):
        done = project.run("jobs/submit", "--scheduler", "pbs", *request_text.split(), "--", *SHORT)
        assert done.returncode == 64 and reason in done.stderr, done

    def test_submit(self, driver, project, reference):
        run = lambda *words: project.run("jobs/submit", *words, env={**clean_environment(), "HPCMANDEL_POLL": "0.3"})  # noqa: E731
        job = run("--scheduler", "pbs", "--ranks-per-node", 2, "--name", "mine", "--", *SHORT).stdout.strip()
        assert run("wait", job).returncode == 0
        assert re.search(rf"^{re.escape(job)} +pbs +mine +done +0 ", run("status").stdout, re.M)
        assert "ranks 2 x 1 threads" in run("log", job).stdout
        assert crc_of(project / f"results/mine-{driver.key(job)}.h5") == reference(*SHORT)
        array = run("--scheduler", "pbs", "--job", "zoom", "--array", "1-2", "--", "3:1:2", "--size", "30x20").stdout.strip()
        assert run("wait", array).returncode == 0
        assert "2 done" in run("status", array).stdout
        assert "frame 2 of 2" in run("log", array).stdout
