"""jobs/submit without any scheduler: what it would run for which request, what it refuses, and that no text is ever run."""

import base64
import re
import shlex
import shutil
import subprocess

import pytest
from conftest import ROOT, Project, clean_environment

SCRIPTS = sorted([*ROOT.glob("jobs/*.slurm"), *ROOT.glob("jobs/*.pbs"), ROOT / "jobs/submit", ROOT / "jobs/chain",
                  ROOT / "jobs/lib/run-local", ROOT / "jobs/lib.sh", *ROOT.glob("jobs/lib/*.sh"),
                  *ROOT.glob("jobs/schedulers/*.sh")])
KINDS = ("mandel", "views", "zoom", "strong", "weak", "note")

# request, Slurm's options, PBS's
TABLE = [
    ("--nodes 10 --ranks-per-node 5 --threads 2",
     "-N 10 --ntasks-per-node=5 --cpus-per-task=2",
     "-l select=10:ncpus=10:mpiprocs=5:ompthreads=2 -l place=scatter"),
    ("", "-N 1 --ntasks-per-node=1 --cpus-per-task=1", "-l select=1:ncpus=1:mpiprocs=1:ompthreads=1"),
    ("--nodes 2 --ranks-per-node 5 --threads 2 --time 00:30:00",
     "-N 2 --ntasks-per-node=5 --cpus-per-task=2 --time=00:30:00",
     "-l select=2:ncpus=10:mpiprocs=5:ompthreads=2 -l place=scatter -l walltime=00:30:00"),
    ("--nodes 4 --ranks-per-node 32", "-N 4 --ntasks-per-node=32 --cpus-per-task=1",
     "-l select=4:ncpus=32:mpiprocs=32:ompthreads=1 -l place=scatter"),
    ("--ranks 8 --nodes 4", "-N 4 --ntasks-per-node=2 --cpus-per-task=1",
     "-l select=4:ncpus=2:mpiprocs=2:ompthreads=1 -l place=scatter"),
    ("--ranks 5 --nodes 2 --threads 2", "-N 2 -n 5 --cpus-per-task=2",
     "-l select=1:ncpus=6:mpiprocs=3:ompthreads=2+1:ncpus=4:mpiprocs=2:ompthreads=2 -l place=scatter"),
    ("--ranks 11 --nodes 4", "-N 4 -n 11 --cpus-per-task=1",
     "-l select=3:ncpus=3:mpiprocs=3:ompthreads=1+1:ncpus=2:mpiprocs=2:ompthreads=1 -l place=scatter"),
    ("--time 2-01:02:03", "-N 1 --ntasks-per-node=1 --cpus-per-task=1 --time=2-01:02:03",
     "-l select=1:ncpus=1:mpiprocs=1:ompthreads=1 -l walltime=49:02:03"),
    ("--memory 4G --nodes 2", "-N 2 --ntasks-per-node=1 --cpus-per-task=1 --mem=4096M",
     "-l select=2:ncpus=1:mpiprocs=1:ompthreads=1:mem=4096mb -l place=scatter"),
    ("--exclusive", "-N 1 --ntasks-per-node=1 --cpus-per-task=1 --exclusive",
     "-l select=1:ncpus=1:mpiprocs=1:ompthreads=1 -l place=scatter:excl"),
    ("--queue short --account phys", "-N 1 --ntasks-per-node=1 --cpus-per-task=1 --partition=short --account=phys",
     "-l select=1:ncpus=1:mpiprocs=1:ompthreads=1 -q short -A phys"),
    ("--after 12 --after 13", "-N 1 --ntasks-per-node=1 --cpus-per-task=1 --dependency=afterok:12:13 --kill-on-invalid-dep=yes",
     "-l select=1:ncpus=1:mpiprocs=1:ompthreads=1 -W depend=afterok:12:13"),
    ("--after-failed 12",
     "-N 1 --ntasks-per-node=1 --cpus-per-task=1 --dependency=afternotok:12 --kill-on-invalid-dep=yes",
     "-l select=1:ncpus=1:mpiprocs=1:ompthreads=1 -W depend=afterany:12"),
    ("--option=-m --option=ae", "-N 1 --ntasks-per-node=1 --cpus-per-task=1 -m ae",
     "-l select=1:ncpus=1:mpiprocs=1:ompthreads=1 -m ae"),
    ("--nodes=3 --ranks-per-node=007", "-N 3 --ntasks-per-node=7 --cpus-per-task=1",
     "-l select=3:ncpus=7:mpiprocs=7:ompthreads=1 -l place=scatter"),
]

REFUSED = [
    ("--nodes 0", "--nodes: expected a number from 1"),
    ("--nodes -1", "--nodes: expected a number from 1"),
    ("--nodes 2.5", "--nodes: expected a number from 1"),
    ("--nodes 99999999999999999999", "--nodes: expected a number from 1"),
    ("--nodes", "--nodes needs a value"),
    ("--ranks-per-node 0", "--ranks-per-node: expected a number"),
    ("--threads 4097", "--threads: expected a number from 1 to 4096"),
    ("--threads x", "--threads: expected a number"),
    ("--ranks 3 --nodes 4", "3 ranks cannot be on 4 nodes"),
    ("--ranks 4 --ranks-per-node 2", "exclude each other"),
    ("--time 30", "--time: expected [D-]HH:MM:SS"),
    ("--time 00:61:00", "--time: expected [D-]HH:MM:SS"),
    ("--time 00:00:10", "a minute at least"),
    ("--memory 4", "--memory: expected a number with M or G"),
    ("--memory 0G", "--memory: expected a number with M or G"),
    ("--array 1-4", "arrays are for --job views and zoom"),
    ("--job zoom --array 1-4", "the first argument is FROM:TO:FRAMES"),
    ("--job zoom --array 4-1 -- 3:1:10", "4 comes after 1"),
    ("--job zoom --array 0-3 -- 3:1:10", "tasks count from 1"),
    ("--job zoom --array 1-11 -- 3:1:10", "there is no task 11: the last one is 10"),
    ("--job zoom --array 1-4%0 -- 3:1:10", "at least 1 at once"),
    ("--job zoom --array 1,2 -- 3:1:10", "expected FIRST-LAST[:STEP][%N]"),
    ("--job zoom --array 2-2 -- 3:1:10", "one task is no array"),
    ("--job zoom -- 3:x:10", "the first argument is FROM:TO:FRAMES"),
    ("--job views -- nowhere.txt", "cannot be read"),
    ("--job ../mandel", "--job: mandel, views"),
    ("--name 'a b'", "--name: expected a letter"),
    ("--name '$(touch pwned)'", "--name: expected a letter"),
    ("--queue 'a;b'", "is no such name"),
    ("--scheduler lsf", "one of slurm pbs local"),
    ("--frobnicate 1", "unknown option '--frobnicate'"),
    ("render", "arguments for the program stand behind --"),
]

NASTY = ["a b", "", "it's", 'say "hi"', "$HOME", "$(touch pwned)", "`touch pwned`", "a\nb", "*", "a;b|c&d", "\\", "--x=1,2",
         "é€", "-e", "\t", "%j", "!x", "~", "{1,2}"]


def dry(project, scheduler, request, *arguments, env=None):
    words = shlex.split(request)
    extra = ["--", *arguments] if arguments else []
    return project.run("jobs/submit", "--scheduler", scheduler, "--dry-run", *words, *extra,
                       env={**clean_environment(), **(env or {})})


def words_of(text):
    """The command's words, as a shell would see them."""
    printed = subprocess.run(["bash", "-c", f"printf '%s\\0' {text}"], capture_output=True, text=True, check=True).stdout
    return printed.split("\0")[:-1]


def unpacked(words):
    """(variables, arguments) that a qsub line hands on."""
    variable = words[words.index("-v") + 1]
    packed = re.match(r"HPCMANDEL_PACKED=([A-Za-z0-9+/=]*)", variable)[1]
    items = base64.b64decode(packed).decode().split("\0")[:-1]
    mark = items.index("--")
    return dict(item.split("=", 1) for item in items[:mark]), items[mark + 1:]


@pytest.mark.parametrize("request_text, slurm, pbs", TABLE)
def test_golden_slurm(project, request_text, slurm, pbs):
    del pbs
    done = dry(project, "slurm", request_text, "--max-iter", "5")
    assert done.returncode == 0, done.stderr
    found = words_of(done.stdout)
    name = ["--job-name=mandel", "--output=results/mandel-%j.log", "--open-mode=append"]
    script = [str(project / "jobs/mandel.slurm"), "--max-iter", "5"]
    assert found[:2] == ["sbatch", "--parsable"]
    rest = [word for word in found[2:len(found) - 3] if word not in name]
    assert [word for word in found if word in name] == name
    assert rest == slurm.split()
    assert [str((project / "jobs/mandel.slurm").resolve()), *script[1:]] == \
        [str((project / found[-3]).resolve()), *found[-2:]]


@pytest.mark.parametrize("request_text, slurm, pbs", TABLE)
def test_golden_pbs(project, request_text, slurm, pbs):
    del slurm
    done = dry(project, "pbs", request_text, "--max-iter", "5")
    assert done.returncode == 0, done.stderr
    found = words_of(done.stdout)
    assert found[:3] == ["qsub", "-N", "mandel"]
    variables, arguments = unpacked(found)
    assert arguments == ["--max-iter", "5"]
    assert variables["HPCMANDEL_LOG"] == "results/mandel-%K.log"
    mark = found.index("-v")
    assert found[mark - 4:mark] == ["-j", "oe", "-o", "results/.jobs/"]
    rest = found[3:mark - 4] + found[mark + 2:-1]
    assert rest == pbs.split()
    assert found[-1].endswith("/jobs/mandel.pbs")


def test_golden_arrays(project):
    project.write("list.txt", "# views\na.ini\n\nb.ini\nc.ini\n")
    for job, arguments in (("views", ["list.txt", "--max-iter", "9"]), ("zoom", ["3:1e-3:3", "--max-iter", "9"])):
        slurm = words_of(dry(project, "slurm", f"--job {job} --array 1-3%2", *arguments).stdout)
        assert "--array=1-3%2" in slurm and f"--output=results/{job}-%A_%a.log" in slurm
        assert slurm[-4].endswith(f"/jobs/{job}.slurm") and slurm[-3:] == arguments
        pbs = words_of(dry(project, "pbs", f"--job {job} --array 1-3%2", *arguments).stdout)
        assert pbs[pbs.index("-J") + 1] == "1-3%2"
        assert unpacked(pbs)[1] == arguments and pbs[-1].endswith(f"/jobs/{job}.pbs")


def test_several_a_task(project):
    done = dry(project, "slurm", "--job zoom --array 1-3", "3:1e-3:12", env={"HPCMANDEL_PER_TASK": "4"})
    assert done.returncode == 0, done.stderr
    done = dry(project, "slurm", "--job zoom --array 1-4", "3:1e-3:12", env={"HPCMANDEL_PER_TASK": "4"})
    assert done.returncode == 64 and "the last one is 3" in done.stderr
    done = dry(project, "slurm", "--job zoom --array 1-3", "3:1e-3:12", env={"HPCMANDEL_PER_TASK": "some"})
    assert done.returncode == 64 and done.stderr.count("\n") == 1 and "HPCMANDEL_PER_TASK must be a number" in done.stderr


def test_local_command(project):
    done = dry(project, "local", "--ranks-per-node 3 --threads 2 --time 00:02:00", "--max-iter", "5")
    assert done.returncode == 0, done.stderr
    words = words_of(done.stdout)
    assert {"HPCMANDEL_LOCAL_RANKS=3", "HPCMANDEL_LOCAL_THREADS=2", "HPCMANDEL_LOCAL_TIME=00:02:00"} <= set(words)
    assert words[-2:] == ["--max-iter", "5"]


@pytest.mark.parametrize("request_text, message", [*REFUSED])
@pytest.mark.parametrize("scheduler", ["slurm", "pbs", "local"])
def test_refusals(project, scheduler, request_text, message):
    request_text, _, arguments = request_text.partition(" -- ")
    if "--scheduler" in request_text:
        done = project.run("jobs/submit", "--dry-run", *shlex.split(request_text))
    else:
        done = dry(project, scheduler, request_text, *shlex.split(arguments))
    assert done.returncode == 64, done
    assert message in done.stderr and done.stdout == ""
    assert not (project / "pwned").exists()


@pytest.mark.parametrize("scheduler, request_text, message", [
    ("slurm", "--after x", "a Slurm job is a number"),
    ("slurm", "--after '1;touch pwned'", "a Slurm job is a number"),
    ("pbs", "--after '1 2'", "a PBS job is like"),
    ("local", "--nodes 2", "this machine is one node"),
    ("local", "--queue q", "no queues"),
    ("local", "--after nobody", "there is no job 'nobody'"),
    ("local", "--option x", "no options for one"),
])
def test_refusals_of_one_scheduler(project, scheduler, request_text, message):
    done = dry(project, scheduler, request_text)
    assert done.returncode == 64 and message in done.stderr
    assert not (project / "pwned").exists()


SINFO = """\
1 128 500000 2-00:00:00 main*
10 4 8000 2-00:00:00 main*
2 64 64000 infinite big
"""
# Two hosts, the first of them two of PBS's nodes
PBSNODES = """\
n1[0]
     resources_available.host = n1
     resources_available.mem = 32768000kb
     resources_available.ncpus = 64

n1[1]
     resources_available.host = n1
     resources_available.mem = 32768000kb
     resources_available.ncpus = 64

n2
     Mom = n2
     resources_available.host = n2
     resources_available.mem = 8gb
     resources_available.ncpus = 4

"""


@pytest.mark.parametrize("scheduler, request_text, message", [
    ("slurm", "--nodes 12", "12 nodes: there are 11"),
    ("slurm", "--nodes 11 --ranks-per-node 4 --memory 8000M --time 2-00:00:00", ""),
    ("slurm", "--ranks-per-node 65 --threads 2", "130 processors a node (ranks x threads): the nodes have at most 128"),
    ("slurm", "--nodes 2 --ranks-per-node 5", "2 nodes with 5 processors: 1 of the 11 nodes here have that"),
    ("slurm", "--nodes 2 --ranks 6 --threads 2", "2 nodes with 6 processors: 1 of the 11"),
    ("slurm", "--nodes 2 --ranks 131", ""),
    ("slurm", "--nodes 2 --memory 9G", "2 nodes with 1 processors and 9216 MiB: 1 of the 11"),
    ("slurm", "--memory 500G", "512000 MiB of memory a node: the nodes have at most 500000"),
    ("slurm", "--time 2-00:00:01", "--time 2-00:00:01 is longer than the 172800 seconds"),
    ("slurm", "--time 2-00:00:01 --option=--qos=long", ""),
    ("slurm", "--time 9-00:00:00 --queue big --ranks-per-node 64", ""),
    ("pbs", "--nodes 3", "3 nodes: there are 2"),
    ("pbs", "--ranks-per-node 128 --memory 64000M", ""),
    ("pbs", "--ranks-per-node 129", "129 processors a node (ranks x threads): the nodes have at most 128"),
    ("pbs", "--nodes 2 --ranks-per-node 4 --memory 8G", ""),
    ("pbs", "--nodes 2 --ranks-per-node 4 --memory 8193M", "2 nodes with 4 processors and 8193 MiB: 1 of the 2"),
    ("local", "--ranks-per-node 1 --memory 9999999G", "MiB of memory a node: the nodes have at most"),
])
def test_what_the_nodes_cannot_hold(project, scheduler, request_text, message):
    """Refused with the reason, as a scheduler would let it wait for ever; what they can hold goes through."""
    project.write("sinfo.txt", SINFO)
    project.write("pbsnodes.txt", PBSNODES)
    project.write("bin/sinfo", f"#!/bin/bash\n"
                               f'[[ " $* " = *" -p big "* ]] && exec grep big "{project / "sinfo.txt"}"\n'
                               f'exec cat "{project / "sinfo.txt"}"\n', 0o755)
    project.write("bin/pbsnodes", f'#!/bin/bash\nexec cat "{project / "pbsnodes.txt"}"\n', 0o755)
    for name in ("sbatch", "qsub"):
        project.write(f"bin/{name}", "#!/bin/bash\necho 17\n", 0o755)
    env = {**clean_environment(), "PATH": f"{project / 'bin'}:{clean_environment()['PATH']}"}
    done = project.run("jobs/submit", "--scheduler", scheduler, *shlex.split(request_text), "--", "--max-iter", "5", env=env)
    if message:
        assert done.returncode == 64 and message in done.stderr and done.stdout == "", done
        assert not list(project.folder.glob("results/.jobs/*.job"))
    else:
        assert done.returncode == 0 and done.stdout == "17\n", done


@pytest.mark.parametrize("programs, sinfo, expected", [
    (["sbatch", "qsub"], "echo 4", "sbatch"),
    (["sbatch", "qsub"], "echo 'sinfo: error: Unable to contact slurm controller' >&2; exit 1", "sbatch"),
    (["sbatch", "qsub"], "echo 'sinfo: fatal: Could not establish a configuration source' >&2; exit 1", "qsub"),
    (["qsub"], "exit 127", "qsub"),
    ([], "exit 127", "env HPCMANDEL_SCHEDULER=local"),
])
def test_the_scheduler_is_found(project, programs, sinfo, expected):
    """The first that is here: Slurm's programs without a cluster are none; one that does not answer is, lest jobs run here."""
    tools = project / "bin"
    tools.mkdir()
    for tool in ("bash", "env", "dirname", "readlink", "base64", "sed", "awk", "grep", "cat", "hostname", "nproc"):
        (tools / tool).symlink_to(shutil.which(tool))
    for program in programs:
        project.write(f"bin/{program}", "#!/bin/bash\n", 0o755)
    project.write("bin/sinfo", f"#!/bin/bash\n{sinfo}\n", 0o755)
    done = project.run("jobs/submit", "--dry-run", "--", "--max-iter", "5", env={**clean_environment(), "PATH": str(tools)})
    assert done.returncode == 0 and done.stdout.startswith(expected), done


@pytest.mark.parametrize("scheduler", ["slurm", "pbs", "local"])
def test_arguments_unchanged(project, scheduler):
    done = dry(project, scheduler, "", *NASTY)
    assert done.returncode == 0, done.stderr
    words = words_of(done.stdout)
    assert (unpacked(words)[1] if scheduler == "pbs" else words[-len(NASTY):]) == NASTY
    assert not (project / "pwned").exists()


def echo_program(project):
    """A stand-in for the program that writes down its arguments."""
    return project.write("echo", '#!/bin/bash\nprintf "%s\\0" "$@" >"$ECHO_FILE"\n', 0o755)


@pytest.mark.parametrize("script", ["mandel.slurm", "mandel.pbs"])
def test_arguments_reach_the_program(project, script):
    """The script itself, with arguments, variables and a config that try to be shell."""
    config = project.write("nasty.ini", 'output = $(touch pwned); `touch pwned`.h5\nmax-iter = "1"\n')
    env = {**clean_environment(), "HPCMANDEL": str(echo_program(project)), "HPCMANDEL_LAUNCH": "none",
           "HPCMANDEL_LOCAL_RANKS": "1", "ECHO_FILE": str(project / "seen"), "HPCMANDEL_LOCAL_NAME": "$(touch pwned)/../x"}
    for first in (["check"], ["--version"], ["render", "--config", str(config)], ["--overwrite"]):
        done = project.run("bash", f"jobs/{script}", *first, *NASTY, env=env)
        assert done.returncode == 0, done.stderr
        seen = (project / "seen").read_text().split("\0")[:-1]
        assert seen[-len(NASTY):] == NASTY
        assert seen[0] == (first[0] if first[0] in ("check", "--version") else "render")
    assert not list(project.folder.glob("**/pwned"))


def test_packed_arguments_reach_the_program(project):
    around = {"HPCMANDEL_KEY": "3", "HPCMANDEL_TASK": "4", "HPCMANDEL_AFTER_FAILED": "5"}  # submitted by a job
    words = words_of(dry(project, "pbs", "--name deep", "check", *NASTY,
                         env={"HPCMANDEL_BIND": "a b\n$(touch pwned)", **around}).stdout)
    assert unpacked(words)[0]["HPCMANDEL_BIND"] == "a b\n$(touch pwned)"
    assert not {"HPCMANDEL_KEY", "HPCMANDEL_TASK", "HPCMANDEL_AFTER_FAILED"} & set(unpacked(words)[0])
    variable = words[words.index("-v") + 1].split(",")[0].removeprefix("HPCMANDEL_PACKED=")
    env = {**clean_environment(), "HPCMANDEL": str(echo_program(project)), "HPCMANDEL_LAUNCH": "none",
           "HPCMANDEL_LOCAL_RANKS": "1", "ECHO_FILE": str(project / "seen"), "HPCMANDEL_PACKED": variable}
    done = project.run("bash", "jobs/mandel.pbs", env=env)
    assert done.returncode == 0, done.stderr
    assert (project / "seen").read_text().split("\0")[:-1] == ["check", *NASTY]
    assert not (project / "pwned").exists()
    # It cannot set what is not ours.
    evil = base64.b64encode(b"PATH=/nowhere\0--\0check\0").decode()
    done = project.run("bash", "jobs/mandel.pbs", env={**env, "HPCMANDEL_PACKED": evil})
    assert done.returncode == 70 and "PATH" in done.stderr


@pytest.mark.parametrize("folder, told", [("a b", True), ("a,b", False), ("a'b", False)])
def test_pbs_is_told_where_the_library_is(tmp_path, folder, told):
    """The script needs it before it can unpack anything; of a name that qsub would take apart, it has to find it by itself."""
    home = Project(tmp_path / folder)
    done = home.run(home / "jobs/submit", "--scheduler", "pbs", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    words = words_of(done.stdout)
    assert (f"HPCMANDEL_HOME={home.folder}" in words[words.index("-v") + 1].split(",")) == told
    assert unpacked(words)[0]["HPCMANDEL_HOME"] == str(home.folder)


def test_words_of_the_variable(project):
    env = {**clean_environment(), "HPCMANDEL": str(echo_program(project)), "HPCMANDEL_LAUNCH": "none",
           "HPCMANDEL_LOCAL_RANKS": "1", "ECHO_FILE": str(project / "seen"),
           "HPCMANDEL_ARGS": "check  * $(touch pwned)\n`x` 'a b'"}
    done = project.run("bash", "jobs/mandel.pbs", env=env)
    assert done.returncode == 0, done.stderr
    assert (project / "seen").read_text().split("\0")[:-1] == ["check", "*", "$(touch", "pwned)", "`x`", "'a", "b'"]
    assert not (project / "pwned").exists()


@pytest.mark.parametrize("line, value", [
    ("output = a b.h5", "a b.h5"), ("output=x.h5 # why", "x.h5"), ("  output =\ty.h5\t; z", "y.h5"),
    ('output = "a # b\\"c" # d', 'a # b"c'), ("output = a#b", "a#b"), ("output = ", ""), ("outputs = x", None),
    ("# output = x", None), ("output = $(touch pwned)", "$(touch pwned)"), ("[output]", None),
    ('output = "\\x41\\t\\\\"', "A\t\\"), ("output = crlf.h5\r", "crlf.h5"),
])
def test_config_reading(project, line, value):
    project.write("c.ini", f"[grouping]\nsize = 3x3\n{line}\n")
    done = project.run("bash", "-c", '. jobs/lib/options.sh; config_value c.ini output && printf "<%s>" "$value"')
    assert done.stdout == ("" if value is None else f"<{value}>"), done
    assert not (project / "pwned").exists()


def test_zoom_spans(project):
    done = project.run("bash", "-c", ". jobs/lib/options.sh; for i in 1 2 3 4 5; do zoom_span 3.20 2e-4 5 $i; done")
    spans = done.stdout.split()
    assert spans[0] == "3.20" and spans[-1] == "2e-4"
    values = [float(s) for s in spans]
    for a, b in zip(values, values[1:]):
        assert b / a == pytest.approx((2e-4 / 3.2) ** 0.25, rel=1e-12)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.relative_to(ROOT / "jobs").as_posix())
def test_shellcheck(shellcheck, script):
    assert shellcheck, "shellcheck is not installed: make deps-test"
    done = subprocess.run([shellcheck, "-x", "-s", "bash", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout
    assert not re.search(r"\beval\b", script.read_text()), "eval"


@pytest.mark.parametrize("kind", KINDS)
def test_directives(kind):
    """Directives stand before the first command, where schedulers look for them; the twins do the same."""
    bodies = []
    for suffix, mark, golden in (("slurm", "#SBATCH", [f"--job-name={kind}", "--open-mode=append", "--requeue"]),
                                 ("pbs", "#PBS", [f"-N {kind}", "-j oe", "-r y"])):
        text = (ROOT / f"jobs/{kind}.{suffix}").read_text()
        assert "\r" not in text
        lines = text.splitlines()
        directives = [line.removeprefix(mark).strip() for line in lines if line.startswith(mark)]
        assert directives == golden
        command = next(i for i, line in enumerate(lines) if line and not line.startswith("#"))
        assert all(i < command for i, line in enumerate(lines) if line.startswith(mark))
        bodies.append(lines[-1])
    assert bodies[0] == bodies[1]


def test_help_and_unknown_jobs(project):
    assert "--ranks-per-node" in project.run("jobs/submit", "--help").stdout
    for verb in ("wait", "cancel", "log"):
        done = project.run("jobs/submit", verb, "17")
        assert done.returncode == 64 and "no job '17'" in done.stderr
    assert project.run("jobs/submit", "status").returncode == 0
