"""No rank's memory grows with the image."""

import json
import os
import subprocess
import sys

import pytest

from conftest import MPIRUN, PROGRAM, STRATEGIES

# Every rank starts the program by this, which writes down its peak of memory, in KiB.
WEIGH = """
import json, os, resource, subprocess, sys
code = subprocess.run(sys.argv[2:], close_fds=False).returncode  # MPI speaks to mpirun through one
with open(f"{sys.argv[1]}.{os.environ['PMI_RANK']}", "w") as file:
    json.dump(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file)
sys.exit(code)
"""


def peaks(folder, strategy, side):
    """Peak memory of each of 2 ranks in the first moments of a picture whose every point escapes at once. All of a rank's memory
    is there before its first band; the whole of the large picture would be 3.6 GB of disk."""
    weights = folder / f"peak-{side}"
    done = subprocess.run(
        ["timeout", "-k", "5", "300", MPIRUN, "-np", "2", sys.executable, "-c", WEIGH, str(weights), str(PROGRAM),
         "--center=9,9", "--span", "1", "--size", f"{side}x{side}", "--strategy", strategy, "--time-limit", "0.4",
         "--checkpoint", "0", "--output", f"{side}.h5"],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode in (0, 75), done.stderr
    os.unlink(folder / f"{side}.h5")
    return [json.loads((folder / f"peak-{side}.{rank}").read_text()) for rank in range(2)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_memory_is_bounded(tmp_path, strategy):
    small, large = (peaks(tmp_path, strategy, side) for side in (3000, 30000))
    assert max(large) - max(small) <= 32 * 1024, (small, large)
