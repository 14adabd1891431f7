#!/usr/bin/python3
"""Do includes go one way?  commands -> {store, view, analysis, cluster, plane} -> base.

Every file below src/ is in the room that its folder names; every header in include/ is in the room named here. Prints each
include that a room may not have, and ends with 1 when there is one.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# What a room may include besides itself.
MAY = {
    "base": set(),
    "plane": {"base"},
    "cluster": {"base"},
    "store": {"base", "plane"},
    "view": {"base", "plane", "store"},
    "analysis": {"base", "plane", "store", "cluster", "view"},
    "commands": {"base", "plane", "cluster", "store", "view", "analysis"},
}
MAIN = "commands"  # src/main.c lives there

HEADERS = {
    "base": "clock cpu csv error log option replace sample text version",
    "plane": "grid kernel mirror scene",
    "cluster": "account band cluster delivery portion strategy tally",
    "store": "crc32 dataset field together",
    "view": "canvas chart html picture tiles xdmf",
    "analysis": "analysis compare find fit potential simulate study timeline",
    "commands": "command",
}
ROOM_OF_HEADER = {f"hm_{name}.h": room for room, names in HEADERS.items() for name in names.split()}

# Libraries that only some rooms may know.
FOREIGN = {
    "mpi.h": {"cluster", "store", "analysis", "commands"},
    "hdf5.h": {"store", "commands"},
    "png.h": {"view", "commands"},
    "petsc": {"analysis", "commands"},
}


def complaints():
    found = []
    for path in sorted(ROOT.glob("include/*.h")):
        if path.name not in ROOM_OF_HEADER:
            found.append(f"include/{path.name}: in no room; add it to tools/rooms.py")
    for path in sorted([*ROOT.glob("src/**/*.[ch]"), *ROOT.glob("include/*.h")]):
        name = path.relative_to(ROOT)
        if name.parts[0] == "include":
            room = ROOM_OF_HEADER.get(path.name)
        else:
            room = name.parts[1] if len(name.parts) > 2 else MAIN
        if room not in MAY:
            found.append(f"{name}: '{room}' is no room")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
            if not match:
                continue
            what = match.group(1)
            other = ROOM_OF_HEADER.get(what)
            if "/" in what and not what.startswith("sys/"):
                other = next((part for part in what.split("/") if part in MAY), other)
            if other and other != room and other not in MAY[room]:
                found.append(f"{name}:{number}: {room} may not include {what}, which is {other}'s")
            for library, rooms in FOREIGN.items():
                if what.startswith(library) and room not in rooms:
                    found.append(f"{name}:{number}: {room} may not know {what}")
    return found


if __name__ == "__main__":
    found = complaints()
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)
