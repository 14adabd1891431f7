"""jobs/submit without a scheduler: the same scripts, in the background, with restarts, chains and arrays."""

import contextlib
import os
import re
import signal
import subprocess

from conftest import LONG, PROGRAM, SHORT, clean_environment, crc_of, rows_done
from slurm_cluster import until

ENVIRONMENT = {**clean_environment(), "HPCMANDEL_POLL": "0.2"}


def submit(project, *words, env=None):
    done = project.run("jobs/submit", "--scheduler", "local", *words, env={**ENVIRONMENT, **(env or {})})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def wait(project, job):
    return project.run("jobs/submit", "wait", job, env=ENVIRONMENT, timeout=300).returncode


def log(project, job):
    return project.run("jobs/submit", "log", job, env=ENVIRONMENT).stdout


def followed(project, job):
    """What `log --follow` prints until it has caught up with the job's end: by itself it never ends."""
    seen = ""
    with subprocess.Popen(["jobs/submit", "log", "--follow", job], cwd=project.folder, env=ENVIRONMENT, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, process_group=0) as process:
        try:
            for line in process.stdout:
                seen += line
                if re.search(r"job \S+ ends with \d+ after", line):
                    break
            assert process.poll() is None, seen
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return seen


def test_one_run(project, reference):
    job = submit(project, "--ranks-per-node", 3, "--name", "here", "--", *SHORT)
    assert wait(project, job) == 0
    assert "ranks 3 x 1 threads on 1 node" in log(project, job)
    assert crc_of(project / f"results/here-{job}.h5") == reference(*SHORT)
    assert "ranks 3 x 1 threads on 1 node" in followed(project, job)
    status = project.run("jobs/submit", "status", env=ENVIRONMENT).stdout
    assert re.search(rf"^{job} +local +here +done +0 ", status, re.M), status


def test_script_by_itself(project, reference):
    done = project.run("bash", "jobs/mandel.slurm", *SHORT, "--output", "results/x.h5",
                       env={**ENVIRONMENT, "HPCMANDEL_LOCAL_RANKS": "2"})
    assert done.returncode == 0 and "ranks 2 x 1" in done.stdout, done
    assert crc_of(project / "results/x.h5") == reference(*SHORT)


def test_exit_codes(project):
    bad = submit(project, "--", "--max-iter", "many")
    assert wait(project, bad) == 64
    text = log(project, bad)
    assert "not restarted" in text and text.count("error:") == 1


def test_cancel_and_resume(project, reference):
    output = "results/c.h5"
    job = submit(project, "--ranks-per-node", 2, "--", *LONG, "--output", output)
    until("some rows", lambda: rows_done(project / output) > 0.08, pause=0.05)
    assert project.run("jobs/submit", "cancel", job, env=ENVIRONMENT).returncode == 0
    assert wait(project, job) == 143
    assert 0 < rows_done(project / output) < 1
    again = submit(project, "--ranks-per-node", 2, "--", *LONG, "--output", output, "--resume")
    assert wait(project, again) == 0
    assert crc_of(project / output) == reference(*LONG)


def test_cancel_while_waiting(project):
    """A job that waits for another need not wait for its end to be cancelled."""
    project.write("slow", "#!/bin/bash\nuntil [ -e end ]; do sleep 0.1; done\n", 0o755)
    first = submit(project, "--", *SHORT, env={"HPCMANDEL": str(project / "slow"), "HPCMANDEL_LAUNCH": "none"})
    second = submit(project, "--after", first, "--", *SHORT)
    assert project.run("jobs/submit", "cancel", second, env=ENVIRONMENT).returncode == 0
    assert wait(project, second) == 143
    project.write("end", "")
    assert wait(project, first) == 0
    assert not list(project.folder.glob("results/*.h5"))


def test_goes_on_until_complete(project, reference):
    """A go that is stopped early; the job goes on until it is complete."""
    output = "results/g.h5"
    project.write("stopped", f"""#!/bin/bash
        case " $* " in *" --resume "*) exec {PROGRAM} "$@" ;; esac
        exec {PROGRAM} "$@" --time-limit 0.1
        """, 0o755)
    job = submit(project, "--ranks-per-node", 2, "--", *LONG, "--output", output, env={"HPCMANDEL": str(project / "stopped")})
    assert wait(project, job) == 0
    text = log(project, job)
    assert len(re.findall("goes on at once", text)) == 1, text
    assert crc_of(project / output) == reference(*LONG)


def test_restart_limit(project):
    job = submit(project, "--ranks-per-node", 2, "--", *LONG, "--output", "results/g.h5", "--time-limit", "0.05",
                 env={"HPCMANDEL_RESTARTS": "1"})
    assert wait(project, job) == 75
    assert "restarted 1 times already" in log(project, job)


def test_crashes(project):
    """A rank that is killed: again, but not for ever."""
    project.write("crash", "#!/bin/bash\necho >>crashes\nkill -9 $$\n", 0o755)
    job = submit(project, "--", *SHORT, env={"HPCMANDEL": str(project / "crash"), "HPCMANDEL_LAUNCH": "none"})
    assert wait(project, job) == 137
    assert len((project / "crashes").read_text().splitlines()) == 3


def test_array_and_chain(project, reference):
    array = submit(project, "--job", "zoom", "--array", "1-3%2", "--", "3:0.03:3", "--size", "90x60")
    bad = submit(project, "--after", array, "--", "--max-iter", "many")
    never = submit(project, "--after", bad, "--", *SHORT, "--output", "results/never.h5")
    note = submit(project, "--after-failed", bad, "--job", "note", "--", bad, "results/none.h5", f"results/mandel-{bad}.log")
    assert wait(project, array) == 0
    frames = sorted(project.folder.glob("results/zoom-*/frame-*.h5"))
    assert len(frames) == 3
    assert crc_of(frames[2]) == reference("--size", "90x60", "--span", "0.03")
    assert wait(project, bad) == 64
    assert wait(project, note) == 0
    assert wait(project, never) == 143
    assert not (project / "results/never.h5").exists()
    assert "max-iter" in (project / f"results/{bad}.failed.txt").read_text()


def test_all_items_outside_of_an_array(project, reference):
    """Without an array one job does every view, and one that fails leaves the others."""
    project.write("v/bad.ini", "size = wide\n")
    project.write("v/good.ini", "size = 60x40\n")
    project.write("list", "v/bad.ini\nv/good.ini\n")
    job = submit(project, "--job", "views", "--", "list")
    assert wait(project, job) == 64
    assert crc_of(next(project.folder.glob("results/views-*/2-good.h5"))) == reference("--size", "60x40")


def test_killed_runner(project):
    """Nobody was left to write the exit code: the job has failed, and is not waited for for ever."""
    project.write("slow", "#!/bin/bash\ntouch begun\nexec sleep 600\n", 0o755)
    job = submit(project, "--", *SHORT, env={"HPCMANDEL": str(project / "slow"), "HPCMANDEL_LAUNCH": "none"})
    pid = int((project / f"results/.jobs/{job}.pid").read_text().split()[0])
    until("the program's begin", (project / "begun").exists)
    project.run("bash", "-c", f"kill -KILL -- -{pid}")
    assert wait(project, job) == 137
