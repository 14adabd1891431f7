"""The cases that every scheduler has to pass; test_slurm.py and test_pbs.py say how to speak to theirs.

A driver has: submit(project, job, arguments, nodes=, ranks_per_node=, ranks=, threads=, array=, variables=, options=) -> id;
state(id) -> one of waiting, running, done, failed, cancelled; code(id) -> the exit code that the scheduler knows; log(project,
id) -> text; restarts(id); task(id, i): the id of an array's task; after(id): options that let a job begin when that one has
succeeded; warn(id): USR1 to the script; hurry(id): a requeued job need not wait; cancel(id); key(id): the journal's name;
needs(what): skips where "preempt" or "node down" is not within this user's power; preempt(id), node_down(id), nodes_up().
"""

import csv
import json
import re

import pytest
from conftest import LONG, SHORT, crc_of, rows_done
from slurm_cluster import until

FINAL = ("done", "failed", "cancelled")
NASTY = ["a b", "", 'it\'s "x"', "$(touch pwned)", "`touch pwned`", "a\nb", "*", "%j", "\\", "--x=1,2", "é"]


class Cases:
    """Inherit, and provide the fixture `driver`."""

    # --- helpers ---

    @staticmethod
    def finish(driver, project, job, expected="done"):
        """Waits for the job's end, hurrying its restarts; returns its log."""

        def ended():
            state = driver.state(job)
            if state == "waiting":
                driver.hurry(job)
            return state in FINAL and state

        state = until(f"the end of {job}", ended, pause=0.3)
        log = driver.log(project, job)
        assert state == expected, f"{job} is {state}:\n{log}"
        return log

    @staticmethod
    def under_way(driver, project, job, output):
        """Waits until the job has done some rows, and not all."""
        until(f"rows of {output}", lambda: driver.state(job) in FINAL or rows_done(project / output) > 0.08, pause=0.05)
        assert driver.state(job) == "running", driver.log(project, job)

    @staticmethod
    def interrupted(driver, project, what, nodes=1, **request):
        """A long run that is struck by `what` in the middle; the job's id and output."""
        output = "results/long.h5"
        job = driver.submit(project, "mandel", [*LONG, "--output", output], nodes=nodes, ranks_per_node=2, **request)
        Cases.under_way(driver, project, job, output)
        what(job)
        return job, output

    @staticmethod
    def went_on(log):
        """The last run in the log did only what was left."""
        rows = re.findall(r"^rows (\d+) of (\d+) done, (\d+) in this run$", log, re.M)
        assert rows, log
        done, height, new = map(int, rows[-1])
        assert done == height and new < height, log
        return new

    # --- arguments ---

    def test_arguments_unchanged(self, driver, project):
        project.write("echo", '#!/bin/bash\nprintf "%s\\0" "$@" >seen\n', 0o755)
        job = driver.submit(project, "mandel", ["check", *NASTY],
                            variables={"HPCMANDEL": str(project / "echo"), "HPCMANDEL_LAUNCH": "none"})
        self.finish(driver, project, job)
        assert (project / "seen").read_text().split("\0")[:-1] == ["check", *NASTY]
        assert not (project / "pwned").exists()

    # --- allocations ---

    @pytest.mark.parametrize("launch", ["mpirun", "srun"])
    def test_one_node(self, driver, project, reference, launch):
        driver.needs_launch(launch)
        job = driver.submit(project, "mandel", SHORT, ranks_per_node=3, variables={"HPCMANDEL_LAUNCH": launch})
        log = self.finish(driver, project, job)
        output = project / f"results/mandel-{driver.key(job)}.h5"
        assert crc_of(output) == reference(*SHORT)
        assert driver.code(job) == 0
        assert re.search(r"^ranks 3 x 1 threads on 1 node", log, re.M), log
        assert re.search(r"^hpcmandel: node \S+: 3 ranks", log, re.M), log

    @pytest.mark.parametrize("nodes, launch", [(2, "mpirun"), (4, "mpirun"), (2, "srun"), (4, "srun")])
    def test_several_nodes(self, driver, project, reference, nodes, launch):
        driver.needs_launch(launch)
        driver.needs_nodes(nodes)
        job = driver.submit(project, "mandel", [*SHORT, "--output", "results/n.h5"], nodes=nodes, ranks_per_node=2,
                            variables={"HPCMANDEL_LAUNCH": launch})
        log = self.finish(driver, project, job)
        assert crc_of(project / "results/n.h5") == reference(*SHORT)
        assert re.search(rf"^ranks {2 * nodes} x 1 threads on {nodes} nodes", log, re.M), log
        assert re.search(r"^strategy hier,", log, re.M), log
        assert len(re.findall(r"^hpcmandel: node \S+: 2 ranks", log, re.M)) == nodes, log

    def test_uneven(self, driver, project, reference):
        driver.needs_nodes(2)
        job = driver.submit(project, "mandel", [*SHORT, "--output", "results/u.h5"], nodes=2, ranks=5)
        log = self.finish(driver, project, job)
        assert crc_of(project / "results/u.h5") == reference(*SHORT)
        assert re.search(r"^ranks 5 x 1 threads on 2 nodes", log, re.M), log
        assert sorted(re.findall(r"^hpcmandel: node \S+: (\d) ranks", log, re.M)) in (["2", "3"], ["1", "4"]), log

    def test_threads(self, driver, project, reference):
        driver.needs_nodes(2)
        job = driver.submit(project, "mandel", ["--config", "configs/euroscipy2012.ini", "--output", "results/t.h5"], nodes=2,
                            ranks_per_node=2, threads=2)
        log = self.finish(driver, project, job)
        assert re.search(r"^ranks 4 x 2 threads on 2 nodes", log, re.M), log
        assert re.search(r"^sum 51214485$", log, re.M), log
        assert crc_of(project / "results/t.h5") == reference("--config", "configs/euroscipy2012.ini")

    # --- jobs that finish by themselves ---

    def test_warned_and_restarted(self, driver, project, reference):
        """USR1 to the script, as ahead of a time limit: the job goes on by itself until it is complete."""
        job, output = self.interrupted(driver, project, driver.warn)
        log = self.finish(driver, project, job)
        self.went_on(log)
        assert driver.restarts(job) == 1 and driver.code(job) == 0
        assert crc_of(project / output) == reference(*LONG)

    def test_warned_on_two_nodes(self, driver, project, reference):
        driver.needs_nodes(2)
        job, output = self.interrupted(driver, project, driver.warn, nodes=2)
        self.went_on(self.finish(driver, project, job))
        assert driver.restarts(job) == 1
        assert crc_of(project / output) == reference(*LONG)

    def test_overwrite_is_for_the_first_start(self, driver, project, reference):
        """--overwrite replaces the older file once, and does not throw away the job's own work."""
        output = "results/long.h5"
        (project / "results").mkdir()
        assert project.run("./hpcmandel", *SHORT, "--output", output).returncode == 0
        job = driver.submit(project, "mandel", [*LONG, "--overwrite", "--output", output], ranks_per_node=2)
        until("a new file", lambda: driver.state(job) in FINAL or 0.08 < rows_done(project / output) < 1, pause=0.05)
        driver.warn(job)
        self.went_on(self.finish(driver, project, job))
        assert crc_of(project / output) == reference(*LONG)

    def test_restart_limit(self, driver, project, reference):
        """A job that never gets far enough ends with 75, and its file can be gone on with."""
        job = driver.submit(project, "mandel", [*LONG, "--output", "results/r.h5", "--time-limit", "1"], ranks_per_node=2,
                            variables={"HPCMANDEL_RESTARTS": "1"})
        log = self.finish(driver, project, job, "failed")
        assert driver.code(job) == 75 and driver.restarts(job) == 1
        assert "restarted 1 times already" in log
        again = driver.submit(project, "mandel", [*LONG, "--output", "results/r.h5", "--resume"], ranks_per_node=2)
        self.went_on(self.finish(driver, project, again))
        assert crc_of(project / "results/r.h5") == reference(*LONG)

    def test_preempted(self, driver, project, reference):
        driver.needs("preempt")
        job, output = self.interrupted(driver, project, driver.preempt)
        self.went_on(self.finish(driver, project, job))
        assert driver.restarts(job) == 1 and driver.code(job) == 0
        assert crc_of(project / output) == reference(*LONG)

    def test_node_down(self, driver, project, reference):
        driver.needs("node down")
        job, output = self.interrupted(driver, project, driver.node_down, nodes=2)
        try:
            self.went_on(self.finish(driver, project, job))
            assert driver.restarts(job) == 1 and driver.code(job) == 0
            assert crc_of(project / output) == reference(*LONG)
        finally:
            driver.nodes_up()

    def test_cancelled(self, driver, project, reference):
        """Cancelled means cancelled; the file can be gone on with."""
        job, output = self.interrupted(driver, project, driver.cancel)
        log = self.finish(driver, project, job, "cancelled")
        assert driver.restarts(job) == 0, log
        assert 0 < rows_done(project / output) < 1
        again = driver.submit(project, "mandel", [*LONG, "--output", output, "--resume"], ranks_per_node=2)
        self.went_on(self.finish(driver, project, again))
        assert crc_of(project / output) == reference(*LONG)

    # --- jobs that cannot succeed ---

    @pytest.mark.parametrize("code, options", [
        (64, ["--config", "bad.ini"]),
        (64, ["--config", "nowhere.ini"]),
        (65, [*SHORT, "--output", "not-ours.h5", "--resume"]),
        (73, [*SHORT, "--output", "not-ours.h5"]),
    ])
    def test_not_restarted(self, driver, project, code, options):
        project.write("bad.ini", "max-iter = many\n")
        project.write("not-ours.h5", "This is not a data set file.\n")
        job = driver.submit(project, "mandel", options, ranks_per_node=2)
        log = self.finish(driver, project, job, "failed")
        assert driver.code(job) == code, log
        assert driver.restarts(job) == 0
        assert len(re.findall(r"^hpcmandel: error:", log, re.M)) == 1, log

    # --- arrays and chains ---

    def test_views(self, driver, project, reference):
        """Every view its own file; one that fails leaves the others."""
        project.write("views/one.ini", "size = 120x80\nmax-iter = 300\n")
        project.write("views/two of them.ini", "size = 120x80\ncenter = -0.745,0.113\nspan = 0.01\n")
        project.write("views/bad.ini", "size = wide\n")
        project.write("list.txt", "# the views\nviews/one.ini\n\nviews/bad.ini\nviews/two of them.ini\n")
        job = driver.submit(project, "views", ["list.txt"], ranks_per_node=2, array="1-3%2")
        self.finish(driver, project, job, "failed")
        files = {path.name: path for path in project.folder.glob("results/views-*/*.h5")}
        assert sorted(files) == ["1-one.h5", "3-two_of_them.h5"]
        assert crc_of(files["1-one.h5"]) == reference("--size", "120x80", "--max-iter", "300")
        assert crc_of(files["3-two_of_them.h5"]) == \
            reference("--size", "120x80", "--center=-0.745,0.113", "--span", "0.01")
        assert sorted(driver.task_codes(job)) == [0, 0, 64]

    def test_array_task_restarted(self, driver, project, reference):
        """One task is told to stop and goes on; the others are left alone, and what follows the array waits for it."""
        keys = dict(zip(LONG[::2], LONG[1::2]))
        project.write("long.ini", "".join(f"{key.removeprefix('--')} = {value}\n" for key, value in keys.items()))
        project.write("short.ini", "size = 60x40\n")
        project.write("list.txt", "short.ini\nlong.ini\n")
        job = driver.submit(project, "views", ["list.txt"], ranks_per_node=2, array="1-2")
        folder = f"results/views-{driver.key(job).removesuffix('[]')}"
        self.under_way(driver, project, job, f"{folder}/2-long.h5")
        follower = driver.submit(project, "mandel", ["export", f"{folder}/2-long.h5", "--png", "results/after.png"],
                                 options=driver.after(job))
        task = driver.task(job, 2)
        driver.warn(task)

        def ended():
            driver.hurry(task)
            return driver.state(job) in FINAL

        until(f"the end of {job}", ended, pause=0.3)
        log = driver.log(project, job)
        assert driver.state(job) == "done" and len(re.findall("got SIGUSR1", log)) == 1, log
        assert re.search(r"^hpcmandel: .* restart 1$", log, re.M), log
        assert crc_of(project / folder / "2-long.h5") == reference(*LONG)
        assert crc_of(project / folder / "1-short.h5") == reference("--size", "60x40")
        other = next(project.folder.glob(f"results/.jobs/{driver.key(job).removesuffix('[]')}_1.journal")).read_text()
        assert len(re.findall(r"^\d+ start ", other, re.M)) == 1, other
        self.finish(driver, project, follower)
        ended, begun = (re.findall(rf"^(\d+) {word}", next(project.folder.glob(f"results/.jobs/{name}.journal")).read_text(), re.M)
                        for word, name in (("end 0", f"{driver.key(job).removesuffix('[]')}_2"), ("start", driver.key(follower))))
        assert ended and len(begun) == 1 and int(ended[-1]) <= int(begun[0])

    def test_zoom(self, driver, project, reference):
        """Throttled: one frame at a time here, though there is room for all."""
        options = ["--size", "90x60", "--center=-0.745,0.113"]
        job = driver.submit(project, "zoom", ["3:0.03:3", *options], array="1-3%1")
        self.finish(driver, project, job)
        journals = [path.read_text().splitlines() for path in project.folder.glob("results/.jobs/*_[0-9]*.journal")]
        times = sorted((int(lines[0].split()[0]), int(lines[-1].split()[0])) for lines in journals)
        assert len(times) == 3
        assert all(end <= begin for (_, end), (begin, _) in zip(times, times[1:])), times
        frames = sorted(project.folder.glob("results/zoom-*/frame-*.h5"))
        assert [path.name for path in frames] == [f"frame-{i:05d}.h5" for i in (1, 2, 3)]
        for path, span in zip(frames, ("3", "0.3", "0.03")):
            assert path.with_suffix(".png").exists()
            if span != "0.3":
                assert crc_of(path) == reference(*options, "--span", span)

    def test_chain(self, driver, project, has_command):
        """After success analyze and export, and no note."""
        jobs = driver.chain(project, [*SHORT, "--output", "results/c.h5"])
        self.finish(driver, project, jobs["render"])
        self.finish(driver, project, jobs["export"])
        assert (project / "results/c.png").read_bytes().startswith(b"\x89PNG")
        if has_command("analyze"):
            assert "sum" in self.finish(driver, project, jobs["analyze"])
            assert json.loads((project / "results/c.json").read_text())
        else:  # a program without it says so, and that harms nothing else
            assert "unknown command 'analyze'" in self.finish(driver, project, jobs["analyze"], "failed")
            assert driver.code(jobs["analyze"]) == 64
        until("the end of the note's job", lambda: driver.state(jobs["note"]) in (*FINAL, "unknown"))
        assert not list(project.folder.glob("results/*.failed.txt"))

    def test_chain_that_fails(self, driver, project):
        """After a failure nothing but the note."""
        jobs = driver.chain(project, ["--max-iter", "many", "--output", "results/c.h5"])
        self.finish(driver, project, jobs["render"], "failed")
        self.finish(driver, project, jobs["note"])
        notes = list(project.folder.glob("results/*.failed.txt"))
        assert len(notes) == 1
        text = notes[0].read_text()
        assert jobs["render"] in text and "max-iter" in text and "results/c.h5" in text
        for follower in ("analyze", "export"):
            until(f"the end of {follower}", lambda f=follower: driver.state(jobs[f]) in ("cancelled", "unknown"))
        assert not list(project.folder.glob("results/*.png"))

    # --- scaling studies ---

    @pytest.mark.parametrize("launch", ["mpirun", "srun"])
    def test_strong(self, driver, project, reference, launch):
        driver.needs_launch(launch)
        driver.needs_nodes(2)
        variables = {"HPCMANDEL_LAUNCH": launch, "HPCMANDEL_STUDY_RANKS": "1 2", "HPCMANDEL_STUDY_STRATEGIES": "block counter",
                     "HPCMANDEL_STUDY_REPETITIONS": "1"}
        job = driver.submit(project, "strong", SHORT, nodes=2, ranks_per_node=2, variables=variables)
        self.finish(driver, project, job)
        path = project / "results/strong.csv"
        rows = list(csv.DictReader(path.open()))
        matrix = {(r["nodes"], r["ranks_per_node"], r["strategy"], r["repetition"]) for r in rows}
        assert matrix == {(n, r, s, i) for n in "12" for r in "12" for s in ("block", "counter") for i in "01"}
        assert len(rows) == 16
        for row in rows:
            assert row["status"] == "ok" and row["crc32"] == reference(*SHORT) and float(row["seconds"]) > 0
            assert int(row["ranks"]) == int(row["nodes"]) * int(row["ranks_per_node"])
            assert row["width"] == "240" and row["scheduler"] == driver.name and row["job"] == job
        # Finished rows are not run again; one that is missing is.
        lines = path.read_text().splitlines()
        path.write_text("\n".join(lines[:12] + lines[13:]) + "\n")
        again = driver.submit(project, "strong", SHORT, nodes=2, ranks_per_node=2, variables=variables)
        log = self.finish(driver, project, again)
        assert len(re.findall(r"^hpcmandel: strong:", log, re.M)) == 1, log
        assert len(path.read_text().splitlines()) == len(lines)
        assert not list(project.folder.glob("results/.strong*"))

    def test_study_restarted(self, driver, project):
        """Told to stop between its first row and its last, it goes on with those that are not there."""
        path = project / "results/strong.csv"
        job = driver.submit(project, "strong", LONG, ranks_per_node=2,
                            variables={"HPCMANDEL_STUDY_RANKS": "2", "HPCMANDEL_STUDY_REPETITIONS": "2"})
        until("a row", lambda: driver.state(job) in FINAL or path.exists() and path.read_text().count("\n") > 1, pause=0.05)
        driver.warn(job)
        log = self.finish(driver, project, job)
        assert driver.restarts(job) == 1 and log.count("rows in results/strong.csv") == 1, log
        assert " runs " not in log and "hpcmandel: ended with" not in log, log
        rows = list(csv.DictReader(path.open()))
        assert [(row["repetition"], row["status"]) for row in rows] == [("0", "ok"), ("1", "ok"), ("2", "ok")]
        assert not list(project.folder.glob("results/.strong*"))

    def test_weak(self, driver, project):
        variables = {"HPCMANDEL_STUDY_RANKS": "1 4", "HPCMANDEL_STUDY_REPETITIONS": "1"}
        job = driver.submit(project, "weak", SHORT, ranks_per_node=4, variables=variables)
        self.finish(driver, project, job)
        rows = list(csv.DictReader((project / "results/weak.csv").open()))
        assert {(r["ranks"], r["width"], r["height"]) for r in rows} == {("1", "240", "160"), ("4", "480", "320")}
        per_rank = {int(r["ranks"]): int(r["iterations"]) / int(r["ranks"]) for r in rows}
        assert per_rank[4] == pytest.approx(per_rank[1], rel=0.02)

    def test_wrong_checksum(self, driver, project):
        """A run whose checksum is wrong has no time, and the study says so."""
        job = driver.submit(project, "strong", SHORT, variables={"HPCMANDEL_CRC32": "00000000", "HPCMANDEL_STUDY_REPETITIONS": "1"})
        self.finish(driver, project, job, "failed")
        rows = list(csv.DictReader((project / "results/strong.csv").open()))
        assert len(rows) == 2 and {r["status"] for r in rows} == {"wrong"} and {r["seconds"] for r in rows} == {""}
        assert driver.code(job) == 70
