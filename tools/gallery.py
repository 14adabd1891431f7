#!/usr/bin/python3
"""Makes docs/gallery/ from configs/: pictures of 480 x 320, averaged from 3 x 3 points a pixel, and the page that shows them.

gallery.py HPCMANDEL MPIRUN RANKS
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "gallery"
QUALITY = 88  # of JPEG: a tenth of PNG's size, no difference to be seen

# Config, how it is exported, in the order in which they are shown.
PICTURES = (
    ("whole-set", ()),
    ("seahorse-valley", ("--relief", "--tone", "equalized")),
    ("spiral", ("--relief",)),
    ("double-spiral", ("--relief", "--tone", "equalized")),
    ("elephant-valley", ("--relief",)),
    ("seahorse-tail", ()),
    ("mini-mandelbrot", ("--tone", "equalized", "--relief")),
    ("sunburst", ()),
    ("star", ("--relief",)),
    ("needle", ()),
    ("embedded-julia", ("--relief", "--tone", "equalized")),
    ("antenna", ()),
    ("julia-galaxies", ("--relief",)),
    ("julia-waves", ("--relief",)),
)


def palette(config):
    lines = [line.partition("=") for line in config.read_text().splitlines() if line.startswith("palette")]
    return ("--palette", lines[0][2].strip()) if lines else ()


def title(config):
    """The comment that a config begins with, up to the first full stop, colon or semicolon."""
    text = " ".join(line.lstrip("# ") for line in config.read_text().split("\n\n")[0].splitlines() if line.startswith("#"))
    for mark in (". ", ": ", "; "):
        text = text.partition(mark)[0]
    return text.rstrip(".")


def main(program, mpirun, ranks):
    FOLDER.mkdir(parents=True, exist_ok=True)
    page = ["# Gallery", "", "Made by `make gallery` from the configurations in `configs/`, each with the channels `smooth` and `distance`.", ""]
    with tempfile.TemporaryDirectory() as scratch:
        data, png = f"{scratch}/view.h5", f"{scratch}/view.png"
        for name, look in PICTURES:
            config = ROOT / "configs" / f"{name}.ini"
            look = (*palette(config), *look)
            subprocess.run([mpirun, "-np", ranks, program, "--config", config, "--size", "1440x960", "--channels",
                            "iterations,smooth,distance", "--output", data, "--png", png, "--overwrite", "--quiet"],
                           check=True, stdout=subprocess.DEVNULL)
            subprocess.run([program, "export", data, "--png", png, "--scale", "1/3", *look], check=True)
            with Image.open(png) as image:
                image.save(FOLDER / f"{name}.jpg", quality=QUALITY, optimize=True)
            page += [f"![{title(config)}]({'gallery/' + name}.jpg)", "",
                     f"{title(config)}: `configs/{name}.ini`" + (f", `export {' '.join(look)}`" if look else ""), ""]
            print(name, flush=True)
    (ROOT / "docs" / "gallery.md").write_text("\n".join(page))


if __name__ == "__main__":
    main(*sys.argv[1:])
