"""A throwaway Slurm on one machine: four nodes and one apart: private folder, private ports, no root needed, ended by pid."""

import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

NODES = 5  # the last one apart from the others
PROCESSORS = 4
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "scancel", "sinfo", "srun")

CONFIG = """\
ClusterName=throwaway
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.socket,cred_expire=6
CredType=cred/munge
SlurmctldPort={port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=pmi2
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/log/jobcomp.txt
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
MinJobAge=3600
KillWait=5
SlurmdTimeout=60
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=n[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port={first}-{last} CPUs={processors} RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=n[1-4] Default=YES MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE
PartitionName=urgent Nodes=n[1-4] MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF
PartitionName=apart Nodes=n{nodes} MaxTime=1-00:00:00 PriorityTier=1 PreemptMode=OFF
"""


def missing():
    """Programs that the throwaway Slurm needs and this machine lacks."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"
    return [name for name in PROGRAMS if not shutil.which(name, path=path)]


def free_ports(number):
    """The first of `number` free ports in a row."""
    for _ in range(200):
        first = random.randrange(20000, 60000)
        sockets = []
        try:
            for port in range(first, first + number):
                sockets.append(socket.socket())
                sockets[-1].bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    raise RuntimeError("found no free ports")


def until(what, condition, seconds=300.0, pause=0.1):
    """Waits until condition() is true and returns what it gave; fails after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"after {seconds} s still waiting: {what}"
        time.sleep(pause)


class SlurmCluster:
    """Started by start(), ended by stop(); `environment` is for whoever speaks to it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.pids = []
        self.environment = {}

    def start(self):
        self.folder.chmod(0o711)
        for name in ("key", "run", "state", "spool", "log"):
            (self.folder / name).mkdir()
            # munged wants its key hidden and its socket reachable.
            (self.folder / name).chmod(0o711 if name == "run" else 0o700)
        for node in range(1, NODES + 1):
            (self.folder / "spool" / f"n{node}").mkdir()
        port = free_ports(NODES + 1)
        text = CONFIG.format(host=socket.gethostname().split(".")[0], user=self.user(), folder=self.folder, port=port,
                             first=port + 1, last=port + NODES, nodes=NODES, processors=PROCESSORS)
        config = self.folder / "slurm.conf"
        config.write_text(text)
        # slurmd then starts even where no cgroup is mounted.
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        sbin = ":/usr/sbin:/sbin:/usr/local/sbin"
        # Nothing of a Slurm around this one.
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM", "SBATCH", "PBS", "HPCMANDEL"))}
        self.environment.update(SLURM_CONF=str(config), PATH=os.environ["PATH"] + sbin)
        key = self.folder / "key" / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        run = self.folder / "run"
        self.daemon(run / "munged.pid", "munged", f"--key-file={key}", f"--socket={run}/munge.socket",
                    f"--pid-file={run}/munged.pid", f"--log-file={self.folder}/log/munged.log",
                    f"--seed-file={key.parent}/seed")
        self.daemon(run / "slurmctld.pid", "slurmctld", "-f", config, "-c")
        for node in range(1, NODES + 1):
            self.daemon(run / f"slurmd.n{node}.pid", "slurmd", "-f", config, "-N", f"n{node}")
        until("all nodes idle", self.idle)
        return self

    @staticmethod
    def user():
        return subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()

    def daemon(self, pid_file, *command):
        """Starts a program that goes into the background and leaves its pid in a file."""
        done = subprocess.run(list(map(str, command)), env=self.environment, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=300)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        self.pids.append(int(until(f"{pid_file}", lambda: pid_file.exists() and pid_file.read_text().strip())))

    def idle(self):
        """Are all nodes but the one apart free."""
        states = self.command("sinfo", "-h", "-N", "-p", "main", "-o", "%t", check=False).split()
        return len(states) == NODES - 1 and set(states) == {"idle"}

    def command(self, *words, check=True, cwd=None, env=None):
        """Standard output of a command that speaks to this Slurm."""
        done = subprocess.run(list(map(str, words)), env={**self.environment, **(env or {})}, cwd=cwd, text=True, timeout=300,
                              capture_output=True, stdin=subprocess.DEVNULL, check=False)
        if check:
            assert done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def stop(self):
        if len(self.pids) > 1:
            self.command("scancel", "--user", self.user(), check=False)
            time.sleep(0.5)
        for pid in reversed(self.pids):
            end(pid)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def end(pid):
    """TERM, and KILL when that was not enough."""
    for number, seconds in ((signal.SIGTERM, 60), (signal.SIGKILL, 10)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + seconds
        while alive(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not alive(pid):
            return
