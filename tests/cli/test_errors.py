"""Every bad input: one message that says what is wrong and what to do, the documented exit code, no hang, all ranks end."""

import errno
import json
import os
import stat
import subprocess

import h5py
import pytest

from conftest import PROGRAM

RANKS = (1, 4)

# (arguments, words that the message must hold)
BAD_OPTIONS = [
    (["--no-such-key", "1"], ["no-such-key"]),
    (["--max-itr", "10"], ["max-itr", "max-iter"]),
    (["--max-it", "10"], ["max-it", "max-iter"]),
    (["--max-iter", "10x"], ["max-iter", "10x"]),
    (["--max-iter", "0"], ["max-iter"]),
    (["--max-iter", "-5"], ["max-iter", "-5"]),
    (["--max-iter", "4294967295"], ["max-iter"]),
    (["--max-iter", "99999999999999999999"], ["max-iter"]),
    (["--max-iter", ""], ["max-iter"]),
    (["--max-iter"], ["max-iter"]),
    (["--size", "100"], ["size", "100"]),
    (["--size", "0x5"], ["size"]),
    (["--size", "5x-5"], ["size"]),
    (["--size", "axb"], ["size", "axb"]),
    (["--size", "10x10x10"], ["size"]),
    (["--center", "0"], ["center"]),
    (["--center", "0,zero"], ["center", "zero"]),
    (["--center", "nan,0"], ["center", "nan"]),
    (["--span", "0"], ["span"]),
    (["--span", "-1"], ["span"]),
    (["--span", "inf"], ["span"]),
    (["--span", "1e999"], ["span"]),
    (["--region", "0:1"], ["region"]),
    (["--region", "0:0,0:1"], ["region"]),
    (["--region", "0:1,0:inf"], ["region"]),
    (["--region", "0:1,0:1", "--span", "2"], ["region", "span"]),
    (["--coords", "both"], ["coords", "both", "exact"]),
    (["--bailout", "0"], ["bailout"]),
    (["--bailout", "-2"], ["bailout"]),
    (["--bailout", "two"], ["bailout", "two"]),
    (["--julia", "0.3"], ["julia"]),
    (["--julia", "0.3,x"], ["julia", "x"]),
    (["--channels", "iterations,colour"], ["channels", "colour"]),
    (["--channels", "iterations,iterations"], ["channels"]),
    (["--arith", "float"], ["arith", "float", "ieee"]),
    (["--isa", "sse9"], ["isa", "sse9", "avx2"]),
    (["--interior", "maybe"], ["interior", "maybe"]),
    (["--strategy", "magic"], ["strategy", "magic", "counter"]),
    (["--band", "0"], ["band"]),
    (["--band", "many"], ["band", "many"]),
    (["--threads", "0"], ["threads"]),
    (["--io", "carrier-pigeon"], ["io", "carrier-pigeon"]),
    (["--checkpoint", "soon"], ["checkpoint", "soon"]),
    (["--time-limit", "1:2:3:4:5"], ["time-limit"]),
    (["--time-limit", "0"], ["time-limit", "leave it out"]),
    (["--progress", "loud"], ["progress", "loud"]),
    (["--palette", "mud"], ["mud"]),
    (["--overwrite=yes"], ["overwrite"]),
    (["stray.h5", "--quiet"], ["stray.h5"]),
    (["render", "stray"], ["stray"]),
    (["rendr"], ["rendr", "render"]),
    (["bench", "nothing"], ["nothing"]),
    (["export"], ["FILE"]),
]

BAD_CONFIGS = [
    ("max-itr = 5\n", [":1", "max-itr", "max-iter"]),
    ("# fine\nmax-iter = 5x\n", [":2", "max-iter", "5x"]),
    ("[view]\nsize = 10x10\nsize = 20x20\n", [":3", "size"]),
    ("just words\n", [":1"]),
    ("config = other.ini\n", [":1", "config"]),
    ("help = true\n", [":1", "help"]),
    ("overwrite = perhaps\n", [":1", "overwrite", "perhaps"]),
]


def one_message(result, words):
    lines = [line for line in result.err.splitlines() if line.startswith("hpcmandel: error:")]
    assert len(lines) == 1, result.err
    for word in words:
        assert word in lines[0], f"{word!r} not in: {lines[0]}"
    assert result.out == "", result.out


@pytest.mark.parametrize("ranks", RANKS)
def test_help_as_people_ask_for_it(run, ranks):
    usage, export = run("--help"), run("export", "--help")
    assert "Commands:" in usage.out and "--palette" in export.out
    for words, meant in ((["-h"], usage), (["help"], usage), (["help", "export"], export), (["--help", "export"], export),
                         (["export", "-h"], export), (["export", "no.h5", "--tone", "mud", "-h"], export)):
        done = run(*words, ranks=ranks)
        assert (done.code, done.out, done.err) == (0, meant.out, ""), words


@pytest.mark.parametrize("words", (["help", "exprot"], ["-h", "exprot"]))
def test_help_of_no_command(run, words):
    one_message(run(*words), ["exprot", "export"])


@pytest.mark.parametrize("arguments,words", BAD_OPTIONS, ids=lambda a: " ".join(a)[:40])
def test_bad_option(run, arguments, words):
    result = run(*arguments)
    assert result.code == 64
    one_message(result, words)


@pytest.mark.parametrize("arguments,words", BAD_OPTIONS[::7], ids=lambda a: " ".join(a)[:40])
def test_bad_option_on_four_ranks(run, arguments, words):
    result = run(*arguments, ranks=4)
    assert result.code == 64
    one_message(result, words)


@pytest.mark.parametrize("text,words", BAD_CONFIGS, ids=range(len(BAD_CONFIGS)))
@pytest.mark.parametrize("ranks", RANKS)
def test_bad_config(run, tmp_path, text, words, ranks):
    (tmp_path / "bad.ini").write_text(text)
    result = run("--config", "bad.ini", ranks=ranks)
    assert result.code == 64
    one_message(result, ["bad.ini", *words])


@pytest.mark.parametrize("ranks", RANKS)
def test_missing_config(run, ranks):
    result = run("--config", "absent.ini", ranks=ranks)
    assert result.code == 64
    one_message(result, ["absent.ini", "No such file"])


def test_config_is_a_folder(run, tmp_path):
    result = run("--config", str(tmp_path))
    assert result.code == 64
    one_message(result, [str(tmp_path)])


@pytest.mark.parametrize("ranks", RANKS)
def test_output_exists(run, tmp_path, ranks):
    (tmp_path / "a.h5").write_text("precious")
    result = run("--size", "8x8", "--output", "a.h5", ranks=ranks)
    assert result.code == 73
    one_message(result, ["a.h5", "--overwrite"])
    assert (tmp_path / "a.h5").read_text() == "precious"
    assert os.listdir(tmp_path) == ["a.h5"]


@pytest.mark.parametrize("ranks", RANKS)
def test_output_to_go_on_with_is_none(run, tmp_path, ranks):
    (tmp_path / "a.h5").write_text("not HDF5 at all")
    result = run("--size", "8x8", "--output", "a.h5", "--resume", ranks=ranks)
    assert result.code == 65
    one_message(result, ["not an HDF5 file"])
    assert result.err.count("a.h5") == 1


@pytest.mark.parametrize("ranks", RANKS)
def test_output_folder_is_missing(run, ranks):
    result = run("--size", "8x8", "--output", "no/such/folder/a.h5", ranks=ranks)
    assert result.code == 73
    one_message(result, ["no/such/folder/a.h5"])


@pytest.mark.parametrize("ranks", RANKS)
def test_output_below_a_file(run, tmp_path, ranks):
    (tmp_path / "plain").write_text("")
    result = run("--size", "8x8", "--output", "plain/a.h5", ranks=ranks)
    assert result.code == 73
    one_message(result, ["plain/a.h5"])


def test_png_cannot_be_made(run):
    result = run("--size", "8x8", "--output", "a.h5", "--png", "no/folder/a.png")
    assert result.code == 73
    lines = [line for line in result.err.splitlines() if "error:" in line]
    assert len(lines) == 1 and "no/folder/a.png" in lines[0]


def test_stats_cannot_be_made(run):
    result = run("--size", "8x8", "--output", "a.h5", "--stats", "no/folder/a.json")
    assert result.code == 73
    lines = [line for line in result.err.splitlines() if "error:" in line]
    assert len(lines) == 1 and "no/folder/a.json" in lines[0]


def test_isa_that_the_machine_lacks(run):
    """A mask on the processor's features stands in for an older machine."""
    result = run("--size", "8x8", "--isa", "avx512", env={"HPCMANDEL_CPU_MASK": "1"})
    assert result.code == 69
    one_message(result, ["avx512"])


@pytest.mark.parametrize("ranks", RANKS)
def test_export_of_what_is_no_data_set(run, tmp_path, ranks):
    (tmp_path / "a.h5").write_text("not HDF5 at all")
    result = run("export", "a.h5", "--png", "a.png", ranks=ranks)
    assert result.code == 65
    one_message(result, ["a.h5"])
    assert not (tmp_path / "a.png").exists()


def test_standard_output_is_full(tmp_path):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([PROGRAM, "--size", "8x8", "--output", "a.h5"], cwd=tmp_path, check=False,
                              stdout=full, stderr=subprocess.PIPE, text=True, timeout=300)
    assert done.returncode == 74
    assert "standard output" in done.stderr


@pytest.fixture
def full(tmp_path):
    """A disk that is always full, as a device of its own: what writes to it must not put a file in its place."""
    device = tmp_path / "full"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
        with open(device, "wb", buffering=0) as out:
            out.write(b"x")
    except PermissionError:
        pytest.skip("only root makes devices")
    except OSError as what:
        assert what.errno == errno.ENOSPC
    yield device
    assert stat.S_ISCHR(os.stat(device).st_mode)


@pytest.mark.parametrize("arguments", [["export", "a.h5", "--png"], ["export", "a.h5", "--xdmf"], ["report", "a.h5", "--html"],
                                       ["analyze", "a.h5", "--quiet", "--json"], ["analyze", "a.h5", "--quiet", "--csv"],
                                       ["compare", "a.h5", "a.h5", "--png"], ["compare", "a.h5", "a.h5", "--json"],
                                       ["bench", "kernel", "--scene", "whole", "--repetitions", "1", "--seconds", "0.001", "--csv"]],
                         ids=lambda words: "".join((words[0], words[-1])))
def test_device_is_full(run, full, arguments):
    run("--size", "60x40", "--output", "a.h5").ok()
    result = run(*arguments, full)
    assert result.code == 74, result.err
    lines = [line for line in result.err.splitlines() if "error:" in line]
    assert len(lines) == 1 and str(full) in lines[0]


def test_standard_output_by_its_name(run, tmp_path):
    run("--size", "60x40", "--output", "a.h5").ok()
    with open(tmp_path / "out", "w", encoding="ascii") as out:
        subprocess.run([PROGRAM, "compare", "a.h5", "a.h5", "--json", "/dev/stdout"], cwd=tmp_path, stdout=out, check=True, timeout=300)
    assert json.loads((tmp_path / "out").read_text())["differ"] is False
    run("export", "a.h5", "--png", "a.png").ok()
    for name, number in (("/dev/stdout", 1), ("/dev/fd/1", 1), ("/proc/self/fd/2", 2)):
        with open(tmp_path / "out", "wb") as out, open(tmp_path / "other", "wb") as other:
            subprocess.run([PROGRAM, "export", "a.h5", "--png", name], cwd=tmp_path, check=True, timeout=300,
                           stdout=out if number == 1 else other, stderr=out if number == 2 else other)
        assert (tmp_path / "out").read_bytes().startswith((tmp_path / "a.png").read_bytes())


@pytest.mark.parametrize("arguments", [["export", "a.h5", "--png"], ["export", "a.h5", "--xdmf"], ["report", "a.h5", "--html"]],
                         ids=lambda words: words[-1])
@pytest.mark.parametrize("name", ["", "."])
def test_no_name_of_a_file(run, arguments, name):
    run("--size", "8x8", "--output", "a.h5").ok()
    result = run(*arguments, name)
    assert result.code == 73
    assert f"cannot create '{name}'" in result.err


@pytest.mark.parametrize("arguments", [["analyze", "a.h5", "--quiet", "--json"], ["analyze", "a.h5", "--quiet", "--csv"],
                                       ["analyze", "a.h5", "--find", "inside", "--json"], ["compare", "a.h5", "b.h5", "--json"],
                                       ["compare", "a.h5", "b.h5", "--png"], ["export", "b.h5", "--png"], ["export", "b.h5", "--xdmf"],
                                       ["report", "b.h5", "--html"], ["export", "b.h5", "b.h5", "--frames", "%d.h5"],
                                       ["--size", "9x9", "--output", "new.h5", "--png"], ["--size", "9x9", "--output", "new.h5", "--stats"],
                                       ["--size", "9x9", "--output", "new.h5", "--trace"]],
                         ids=lambda words: " ".join((words[0], words[-1])))
def test_data_are_never_replaced_by_something_else(run, tmp_path, arguments):
    """A name given by mistake must not cost a data set."""
    run("--size", "9x9", "--output", "a.h5").ok()
    data = (tmp_path / "a.h5").read_bytes()
    for name in ("b.h5", "0.h5"):
        (tmp_path / name).write_bytes(data)
    result = run(*arguments, *([] if "--frames" in arguments else ["a.h5"]))
    assert result.code == 73
    assert result.err.count("error:") == 1 and "a data set file is there" in result.err
    assert all((tmp_path / name).read_bytes() == data for name in ("a.h5", "b.h5", "0.h5"))
    assert not (tmp_path / "new.h5").exists()


@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("option", ["png", "stats", "trace"])
def test_two_outputs_of_one_name(run, tmp_path, option, ranks):
    result = run("--size", "9x9", "--output", "a.h5", f"--{option}", "a.h5", ranks=ranks)
    assert result.code == 64
    one_message(result, [option, "a.h5"])
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_no_text(run, tmp_path):
    """Names are bytes: what JSON cannot hold is left out of it, and is no error."""
    name = os.fsdecode(b"a\xff.h5")
    run("--size", "30x30", "--output", name, "--stats", "s.json", "--quiet").ok()
    assert json.loads((tmp_path / "s.json").read_text())["output"] is None
    assert json.loads(run("compare", name, name, "--json", "-").ok().out)["files"] == [None, None]
    run("analyze", name, "--quiet", "--json", "f.json").ok()
    assert "file" not in json.loads((tmp_path / "f.json").read_text())


@pytest.mark.parametrize("ranks", (None, 3))
def test_behind_two_dashes_stand_names(run, tmp_path, ranks):
    run("--size", "8x8", "--output", "./-odd.h5").ok()
    assert "sum" in run("analyze", "--quiet", "--", "-odd.h5", ranks=ranks).ok().out
    for arguments in (("render", "--", "x"), ("analyze", "--", "-odd.h5", "x"), ("check", "./-odd.h5", "--", "x")):
        result = run(*arguments, ranks=ranks)
        assert result.code == 64 and result.err.count("error:") == 1 and "'x'" in result.err, result.err


@pytest.mark.parametrize("closed", ("0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"))
def test_closed_streams_are_not_taken_by_files(tmp_path, closed):
    """What is said goes nowhere, and not into the data."""
    script = f'"$0" --size 300x200 --verbose --output a.h5 {closed}'
    done = subprocess.run(["sh", "-c", script, PROGRAM], cwd=tmp_path, timeout=300, check=False)
    assert done.returncode == (74 if "1>" in closed else 0)
    done = subprocess.run([PROGRAM, "check", "a.h5"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 and "# true: every row" in done.stdout
    done = subprocess.run(["sh", "-c", f'"$0" analyze a.h5 --append {closed}', PROGRAM], cwd=tmp_path, timeout=300, check=False)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["analysis"].attrs["valid"] == 1
    assert b"hpcmandel: " not in (tmp_path / "a.h5").read_bytes()


def test_a_flag_that_is_false_excludes_nothing(run, tmp_path):
    (tmp_path / "a.ini").write_text("size = 8x8\noutput = a.h5\noverwrite = true\nresume = no\n")
    run("--config", "a.ini").ok()
    run("--config", "a.ini").ok()
    (tmp_path / "a.ini").write_text("size = 8x8\noutput = a.h5\noverwrite = true\nresume = yes\n")
    result = run("--config", "a.ini")
    assert result.code == 64 and "resume excludes overwrite" in result.err
