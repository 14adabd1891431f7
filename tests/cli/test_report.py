"""report: small studies and runs to tables and pages; pages in a real browser without a network."""

import csv
import html.parser
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import h5py
import pytest

ROOT = Path(__file__).resolve().parents[2]

COLUMNS = (
    "study,nodes,ranks_per_node,threads,asked,repetition,status,strategy,ranks,width,height,iterations,inside,crc32,band,seconds,startup,"
    "giter_per_second,imbalance,imbalance_iterations,efficiency,io_share,talking_share,waiting_share,processors,isa,version,revision,"
    "compiler,mpi,hdf5,host,scheduler,job,started,arguments").split(",")

EVIL = "<script>alert(1)</script>'; system 'touch evil' # `touch evil` \"&"


def row(**changes):
    """A run of a strong study."""
    found = dict.fromkeys(COLUMNS, "")
    found.update(
        study="strong", nodes=1, ranks_per_node=1, threads=1, asked="counter", repetition=1, status="ok", strategy="counter",
        width=100, height=100, iterations=1000000, inside=100, crc32="0123abcd", seconds="1.0", startup="0.1", giter_per_second="0.5",
        imbalance="1.1", imbalance_iterations="1.05", efficiency="0.9", io_share="0.02", talking_share="0.01", waiting_share="0.07",
        processors=16, isa="avx2", version="1", revision="abc", mpi="MPICH", host="n1", scheduler="slurm", job="7",
        arguments="'--span' '3'")
    found.update(changes)
    found["ranks"] = int(found["nodes"]) * int(found["ranks_per_node"])
    return found


def study(serial=0.05, most=16, repetitions=6, kind="strong", **changes):
    """Runs that follow a law exactly but for a slow drift, which repetitions share and speed-ups must not see."""
    rows = []
    for repetition in range(repetitions + 1):
        drift = 1 + 0.1 * repetition
        cores = 1
        while cores <= most:
            if kind == "strong":
                seconds, work = drift * 8 * (serial + (1 - serial) / cores), 1000000
            else:
                seconds, work = drift * 2 * (cores / (cores - serial * (cores - 1))), 1000000 * cores
            rows.append(row(study=kind, ranks_per_node=cores, repetition=repetition, seconds=f"{seconds:.9f}", iterations=work,
                            width=100 * cores, inside=100 * cores if kind == "weak" else 100, crc32=f"{cores if kind == 'weak' else 1:08x}", **changes))
            cores *= 2
    if kind == "strong":
        for one in rows:
            one["width"] = 100
    return rows


def write(path, rows, columns=COLUMNS):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


class Page(html.parser.HTMLParser):
    """Elements balance, ids are single, nothing points outside; figures and their tables are counted."""

    VOID = {"meta", "link", "img", "br", "hr", "input", "path", "rect", "circle", "use", "polygon", "line"}

    def __init__(self, path):
        super().__init__()
        self.open, self.figures, self.ids, self.addresses, self.scripts = [], [], [], [], 0
        self.feed(path.read_text())
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.attributes(tag, attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "figure":
            self.figures.append(set())
        elif "figure" in self.open:
            self.figures[-1].add(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes(tag, attrs)

    def attributes(self, tag, attrs):
        self.scripts += tag == "script"
        for name, value in attrs:
            self.scripts += name.startswith("on")
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href", "data", "action"):
                self.addresses.append(value)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open and self.open.pop() == tag, (tag, self.open, self.getpos())

    def check(self, figures, drawings=True):
        assert len(self.figures) == figures
        for inside in self.figures:
            assert {"figcaption", "table", "details"} <= inside
            assert not drawings or inside & {"svg", "img"}
        assert len(self.ids) == len(set(self.ids))
        assert all(address.startswith(("#", "data:")) for address in self.addresses)
        assert self.scripts == 0


def test_tables_and_fits(run, tmp_path):
    """A serial part of 5 % is found again, and repetitions that drift do not hide it."""
    path = write(tmp_path / "s.csv", study())
    out = run("report", path).ok().out
    line = re.search(r"^counter +1 x 8 x 1 +8 +([\d.]+) +([\d.]+)\.\.([\d.]+) +([\d.]+) +([\d.]+) +6$", out, re.M)
    assert line, out
    speedup, low, high, efficiency, serial = map(float, line.groups())
    assert speedup == low == high == pytest.approx(1 / (0.05 + 0.95 / 8), abs=0.001)
    assert efficiency == pytest.approx(speedup / 8, abs=0.001) and serial == pytest.approx(0.05, abs=0.001)
    assert re.search(r"^counter +Amdahl +serial part of the work 0\.05 ", out, re.M), out
    assert re.search(r"^counter +Universal Scalability Law +contention 0\.05 ", out, re.M)
    assert "96.9 %" in out and "1.100" in out and "1.050" in out
    assert "runs 30 that count, 5 to warm up, 0 wrong" in out
    assert "says nothing" not in out


def test_weak(run, tmp_path):
    out = run("report", write(tmp_path / "w.csv", study(kind="weak", serial=0.1))).ok().out
    assert out.startswith("Weak scaling")
    assert re.search(r"^counter +Gustafson +serial part of the time 0\.1 ", out, re.M), out
    assert re.search(r"^counter +1 x 16 x 1 +16 +14\.50 ", out, re.M), out  # 16 - 0.1 * 15
    assert "Amdahl" not in out


def test_warnings(run, tmp_path):
    """Two points, few repetitions, shared processors, mixed builds, a wrong run: all are said."""
    rows = study(most=4, repetitions=2, processors=2)
    rows[-1]["revision"] = "other"
    rows[-2].update(status="wrong", seconds="")
    rows[-4]["crc32"] = "00000bad"
    out = run("report", write(tmp_path / "s.csv", rows)).ok().out
    assert "2 runs had a wrong checksum" in out
    assert "differ in revision" in out
    assert "fewer than 6 repetitions" in out
    assert "1 point has more workers than processors" in out
    assert "fit of Amdahl (counter): It says nothing: 1 point above one core for 1 parameter" in out
    assert re.search(r"^counter +1 x 4 x 1\* +2 ", out, re.M)


def test_a_disturbed_study(run, tmp_path):
    """Speed-ups that vary by more than a factor of two are said to; a drift that repetitions share is none."""
    rows = study(most=2)
    words = "uncertain by more than a factor of two"
    assert words not in run("report", write(tmp_path / "s.csv", rows)).ok().out
    one = next(r for r in rows if r["ranks_per_node"] == 2 and r["repetition"] == 3)
    one["seconds"] = f'{3 * float(one["seconds"]):.9f}'
    path = write(tmp_path / "s.csv", rows)
    assert f"The speed-up of 1 of 2 points is {words}" in run("report", path, "--html", tmp_path / "p.html").ok().out
    assert words in (tmp_path / "p.html").read_text()


@pytest.mark.parametrize(("change", "column"), [
    ({"seconds": "nan"}, "seconds"), ({"seconds": "-1"}, "seconds"), ({"seconds": "1e999"}, "seconds"), ({"seconds": ""}, "seconds"),
    ({"repetition": "1.5"}, "repetition"), ({"threads": "0"}, "threads"),
    ({"width": "99999999999"}, "width"), ({"crc32": "xyz"}, "crc32"), ({"status": "maybe"}, "status"), ({"study": ""}, "study"),
    ({"strategy": EVIL}, "strategy"), ({"io_share": "-0.1"}, "io_share"), ({"processors": "many"}, "processors"),
])
def test_hostile_fields(run, tmp_path, change, column):
    """A text that cannot be: 65, with file, line and column."""
    rows = study(most=2, repetitions=1)
    rows[2].update(change)
    done = run("report", write(tmp_path / "s.csv", rows), "--html", tmp_path / "p.html")
    assert done.code == 65, done.err
    assert "s.csv, line 4" in done.err and column in done.err
    assert not list(tmp_path.glob("p.html*"))


def test_hostile_files(run, tmp_path):
    path = tmp_path / "s.csv"
    write(path, study(), [c for c in COLUMNS if c != "crc32"])
    done = run("report", path)
    assert done.code == 65 and "no column 'crc32'" in done.err
    write(path, [])
    assert run("report", path).code == 65
    text = ",".join(COLUMNS) + "\n1,2\n"
    path.write_text(text)
    done = run("report", path)
    assert done.code == 65 and "line 2" in done.err
    path.write_bytes(text.encode() + b"\0" * 10)
    assert run("report", path).code == 65
    assert run("report", tmp_path / "none.csv").code == 74
    assert run("report").code == 64
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 100)
    assert run("report", path).code == 65


def test_page(run, tmp_path):
    """Every figure has its table, and what a file says never becomes markup or a command."""
    rows = study(host=EVIL, arguments=EVIL, mpi=EVIL) + study(strategy="block", serial=0.2, arguments=EVIL)
    path = write(tmp_path / "s.csv", rows)
    weak = write(tmp_path / "w.csv", study(kind="weak"))
    page = tmp_path / "p.html"
    run("report", path, weak, "--html", page, "--figures", tmp_path / "f", "--title", EVIL).ok()
    Page(page).check(figures=10)
    text = page.read_text()
    assert "alert(1)&lt;/script&gt;" in text
    assert "http://" not in re.sub(r'xmlns(:\w+)?="http://www.w3.org/[^"]*"', "", text) and "https://" not in text
    names = {p.name for p in (tmp_path / "f").iterdir()}
    assert {"strong-speedup-1.svg", "strong-speedup-1.png", "strong-speedup-1.gp", "weak-time-7.svg"} <= names, names
    assert len(names) == 30 and not list(tmp_path.rglob("evil*"))
    # The same again, and nothing but the page is left.
    (tmp_path / "t").mkdir()
    run("report", path, "--html", page, env={"TMPDIR": str(tmp_path / "t")}).ok()
    Page(page).check(figures=5)
    assert not list((tmp_path / "t").iterdir()) and not list(tmp_path.glob("p.html.*"))


def predicted(out):
    """Seconds predicted for `block`, by nodes x ranks x threads."""
    lines = [re.split(r"  +", line.strip()) for line in out.splitlines()]
    header = next(line for line in lines if "predicted s" in line)
    return {line[1]: line[header.index("predicted s")] for line in lines if line[0] == "block" and len(line) == len(header)}


def test_predictions(run, tmp_path):
    """Equal contiguous rows of the EuroSciPy 2012 case cap the speed-up at 2.09 on 4 ranks and 3.30 on 8, and the simulation says so."""
    done = run("render", "--config", ROOT / "configs/euroscipy2012.ini", "--interior", "none", "--output", "e.h5", "--png", "e.png").ok()
    rows = [row(strategy="block", ranks_per_node=ranks, repetition=repetition, width=500, height=500, band=1, crc32=done.summary["crc32"],
                iterations=done.summary["sum"], inside=done.summary["inside"], seconds=1 / ranks, efficiency="1", io_share="0",
                talking_share="0", waiting_share="0") for ranks in (1, 4, 8) for repetition in range(3)]
    path = write(tmp_path / "s.csv", rows)
    found = predicted(run("report", path, "--data", "e.h5", "--html", "p.html").ok().out)
    assert float(found["1 x 1 x 1"]) == pytest.approx(1, abs=0.002)
    assert float(found["1 x 4 x 1"]) == pytest.approx(1 / 2.09, abs=0.002)
    assert float(found["1 x 8 x 1"]) == pytest.approx(1 / 3.30, abs=0.002)
    assert "crosses: predicted" in (tmp_path / "p.html").read_text()
    for one in rows:
        one["crc32"] = "00000001"
    done = run("report", write(path, rows), "--data", "e.h5").ok()
    assert "nothing is predicted" in done.err and "0.478" not in done.out


def test_predictions_where_rows_mirror_each_other(run, tmp_path):
    """Who computes a row also writes the one that mirrors it: equal parts are those of half of the image."""
    view = ["--center=-0.5,0", "--span", "4", "--size", "128x256", "--max-iter", "2000", "--band", "1", "--strategy", "block"]
    done = run(*view, "--output", "m.h5", ranks=4).ok()
    rows = [row(strategy="block", ranks_per_node=ranks, repetition=repetition, width=128, height=256, band=1, crc32=done.summary["crc32"],
                iterations=done.summary["sum"], inside=done.summary["inside"], seconds=1 / ranks, efficiency="1", io_share="0",
                talking_share="0", waiting_share="0") for ranks in (1, 4) for repetition in range(3)]
    with h5py.File(tmp_path / "m.h5") as file:
        spent = file["run/ranks"]["iterations"]
    found = predicted(run("report", write(tmp_path / "s.csv", rows), "--data", "m.h5").ok().out)
    assert float(found["1 x 1 x 1"]) == pytest.approx(1, abs=0.002)
    assert float(found["1 x 4 x 1"]) == pytest.approx(spent.max() / spent.sum(), abs=0.002)


def without_gnuplot(folder):
    """A PATH like this one's, without gnuplot."""
    folder.mkdir()
    for entry in os.environ["PATH"].split(":"):
        for program in Path(entry).glob("*") if os.path.isdir(entry) else ():
            if program.name != "gnuplot" and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program)
    return str(folder)


def test_without_gnuplot(run, tmp_path):
    """The page has tables only, and says so; figures alone are refused."""
    path = write(tmp_path / "s.csv", study())
    env = {"PATH": without_gnuplot(tmp_path / "bin")}
    done = run("report", path, "--html", tmp_path / "p.html", env=env).ok()
    assert "gnuplot-nox" in done.err
    Page(tmp_path / "p.html").check(figures=5, drawings=False)
    done = run("report", path, "--figures", tmp_path / "f", env=env)
    assert done.code == 69 and "gnuplot-nox" in done.err


@pytest.fixture
def data_set(run, tmp_path):
    run("render", "--size", "300x200", "--output", "m.h5", "--strategy", "pool", "--band", "10", "--trace", "m.json", ranks=3).ok()
    return tmp_path / "m.h5"


def test_run_page(run, tmp_path, data_set):
    page = tmp_path / "run.html"
    done = run("report", data_set, "--html", page, "--figures", "f", "--trace", "m.json").ok()
    assert "grid: 300 x 200" in done.out and "ranks: 3" in done.out
    Page(page).check(figures=4)
    text = page.read_text()
    assert "data:image/png;base64," in text and "From the trace" in text and "size = 300x200" in text
    picture = next((tmp_path / "f").glob("run-picture-*.png"))
    from PIL import Image

    assert Image.open(picture).height == 200
    run("report", data_set, "--html", page).ok()
    Page(page).check(figures=4)
    assert "No trace was given" in page.read_text()


def test_run_page_of_a_stopped_run(run, tmp_path):
    """A file that is not complete has a page as well."""
    run("render", "--size", "64x2000", "--max-iter", "100000", "--interior", "none", "--output", "s.h5", "--time-limit", "0.2", ranks=2)
    out = run("report", "s.h5", "--html", "s.html").ok().out
    # Where no row at all was done there is nothing to show of when.
    Page(tmp_path / "s.html").check(figures=3 if "rows done: 0 %" in out else 4)


def test_hostile_traces(run, tmp_path, data_set):
    trace = tmp_path / "m.json"
    good = json.loads(trace.read_text())
    for bad in ("", "{}", '{"traceEvents":[]}', '{"traceEvents":[{"ph":"X"', '{"traceEvents":[{"ph":1,"name":[]}]}', "[" * 5000,
                '{"traceEvents":[' + "[" * 100000, '{"traceEvents":[{"ph":"X","name":"busy","ts":1,"dur":-5,"tid":0}]}',
                '{"traceEvents":[{"ph":"X","name":"busy","ts":1,"dur":5,"tid":99999999999}]}'):
        trace.write_text(bad)
        done = run("report", data_set, "--trace", trace)
        assert done.code == 65 and "trace" in done.err, (bad[:40], done.err)
    good["traceEvents"].append({"ph": "X", "name": EVIL, "ts": 1, "dur": 1, "tid": 0})
    trace.write_text(json.dumps(good, indent=1))
    run("report", data_set, "--trace", trace).ok()
    assert run("report", data_set, "--trace", "none.json").code == 74
    assert run("report", data_set, "--trace", tmp_path).code == 74
    assert run("report", write(tmp_path / "s.csv", study()), "--trace", trace).code == 64


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium here")
def test_in_a_browser(run, tmp_path, data_set):
    """Renders at the widths of a desk and of a hand: no complaint, no request, nothing wider than the window."""
    path = write(tmp_path / "s.csv", study() + study(strategy="block", serial=0.2))
    run("report", path, "--html", "p.html").ok()
    run("report", data_set, "--html", "r.html", "--trace", "m.json").ok()
    # A page of the test's own holds them in frames as wide as the windows to be, and notes how wide they became.
    widths = (1280, 390)
    frames = "".join(f'<iframe src={page}.html style="border:0;width:{width}px;height:900px"></iframe>' for width in widths for page in "pr")
    probe = tmp_path / "probe.html"
    probe.write_text(
        "<!DOCTYPE html><title>probe</title>" + frames + "<script>"
        "onload=()=>{document.title=JSON.stringify([...document.querySelectorAll('iframe')].map(f=>{"
        "const d=f.contentDocument;return{wide:d.documentElement.scrollWidth,"
        "figures:[...d.querySelectorAll('figure')].map(e=>(e.querySelector('svg,img').getBoundingClientRect().width)),"
        "broken:[...d.images].filter(i=>!i.naturalWidth).length,"
        "font:Math.min(...[...d.querySelectorAll('p,td,figcaption')].map(e=>parseFloat(getComputedStyle(e).fontSize))),"
        "asked:f.contentWindow.performance.getEntriesByType('resource').filter(r=>!r.name.startsWith('data:')).length}}))}"
        "</script>")
    done = subprocess.run(
        ["timeout", "-k", "5", "300", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0",
         "--allow-file-access-from-files", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
         "--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path}/profile", "--dump-dom",
         "--host-resolver-rules=MAP * ~NOTFOUND", f"file://{probe}"],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "CONSOLE" not in done.stderr, done.stderr
    found = json.loads(html.unescape(re.search(r"<title>(.*?)</title>", done.stdout)[1]))
    assert [len(one["figures"]) for one in found] == [5, 4, 5, 4]
    for one, width in zip(found, (1280, 1280, 390, 390)):
        assert one["wide"] <= width and one["broken"] == 0 and one["asked"] == 0, one
        assert all(0.2 * width < figure <= width for figure in one["figures"]), one
        assert one["font"] >= 13, one
