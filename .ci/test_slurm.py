"""Two rows at scale smoke through the Slurm profile, one in a shared folder and one through a storage provider, and a
job whose time is too short for its training, on a Slurm of one node that this script sets up, starts and stops.

It needs root, and Debian or Ubuntu, whose packages slurm-wlm, munge and rsync it installs if they are missing.
Everything else is in a temporary folder: configuration, keys, state, logs and results. Where it cannot be tried, it
says why and ends with status 77.
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from debian import install, skip
from slow_training import train, write_notebook

checkout = Path(__file__).resolve().parent.parent
programs = Path(sys.executable).parent
rows = "mha-swa-50", "mlp-mlp_r3-50"
packages = "slurm-wlm", "munge", "rsync"
needed = "munged", "slurmctld", "slurmd", "sbatch", "rsync"


def workflow(folder, row, root, *options):
    "The command under test. Every job asks for a GPU; waits are short as the jobs are."
    return [programs/"snakemake", "--snakefile", "papermill_runs/Snakefile",
            "--profile", "papermill_runs/profiles/slurm", "--retries", "0",
            "--set-resources", "score:gpu=1",
            "--slurm-init-seconds-before-status-checks", "5", "--slurm-logdir", folder/"logs", *options,
            "--config", "scale=smoke", "tables=hybrids", f"rows={row}", "seeds=0", f"root={root}", "--", "records"]


def storage(folder):
    "The options of a run whose nodes do not see the folder of runs: files travel through a store."
    return ["--default-storage-provider", "fs", "--default-storage-prefix", folder/"store",
            "--local-storage-prefix", folder/"here", "--remote-job-local-storage-prefix", folder/"node",
            "--shared-fs-usage", "persistence", "software-deployment", "sources", "source-cache"]


def copy_project(folder) -> Path:
    "The project without what it has computed, so that other runs of its workflow may go on in the checkout."
    left_out = shutil.ignore_patterns(".*", "build", "_docs", "_proc", "runs", "cache", "__pycache__")
    return Path(shutil.copytree(checkout, folder/"project", ignore=left_out))


def free_ports(count):
    "TCP ports that nobody listens on."
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [s.getsockname()[1] for s in sockets]


def configure(folder):
    "Write slurm.conf, gres.conf and munge's key. The node claims more than it has: GPUs are any device files."
    host, (controller, node) = socket.gethostname().split(".")[0], free_ports(2)
    (folder/"slurm.conf").write_text(f"""
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
AuthInfo=cred_expire=5,socket={folder}/munge.socket
StateSaveLocation={folder}/controller
SlurmdSpoolDir={folder}/node
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
KillWait=3
MinJobAge=86400
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=1000000 Gres=gpu:2
PartitionName=main Nodes=ALL Default=YES
""")
    (folder/"gres.conf").write_text("Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n")
    for name in ("controller", "node"): (folder/name).mkdir()
    (folder/"munge.key").touch(0o600)
    (folder/"munge.key").write_bytes(os.urandom(128))
    # The plugin starts the job's step without the variables of Slurm: this srun knows its configuration.
    (folder/"bin").mkdir()
    (folder/"bin"/"srun").write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    (folder/"bin"/"srun").chmod(0o755)
    os.environ.update(SLURM_CONF=str(folder/"slurm.conf"), PATH=f"{folder}/bin:{os.environ['PATH']}")


def daemon(stack, folder, *command):
    "Start a daemon in a session of its own, so that only the end of `stack` stops it."
    with open(folder/f"{command[0]}.log", "w") as log:
        process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    def stop():
        process.terminate()
        try: process.wait(20)
        except subprocess.TimeoutExpired: process.kill()
    stack.callback(stop)


def ask(*command):
    "What a Slurm command prints, line by line; nothing if it fails."
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.splitlines()


def wait_until(true, seconds):
    "Poll `true()` and return whether it held within so many seconds."
    end = time.monotonic() + seconds
    while not (holds := true()) and time.monotonic() < end: time.sleep(0.5)
    return holds


def start(stack, folder):
    "munge, controller, node: whether the node came up. When `stack` ends, jobs are cancelled, then the daemons stop."
    munge = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
    daemon(stack, folder, "munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *munge)
    wait_until((folder/"munge.socket").exists, 20)
    daemon(stack, folder, "slurmctld", "-D")
    daemon(stack, folder, "slurmd", "-D")
    def cancel():
        ask("scancel", "--user", "root")
        wait_until(lambda: not ask("squeue", "--noheader"), 30)
    stack.callback(cancel)
    return wait_until(lambda: ask("sinfo", "--noheader", "--format=%T") == ["idle"], 60)


def run(command, project, log):
    "Run a command for 20 minutes at most; what went wrong, or None."
    with open(log, "w") as output:
        streams = dict(stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try: done = subprocess.run(command, cwd=project, timeout=1200, **streams)
        except subprocess.TimeoutExpired: return "not finished after 20 minutes"
    if done.returncode: return f"snakemake ended with status {done.returncode}"


def finished(runs) -> set[str]:
    "The executed notebooks whose records are there, of which a job leaves both."
    return {str(path.relative_to(runs)) for path in runs.rglob("*.ipynb") if path.with_suffix(".json").exists()}


def run_rows(folder, project):
    """One row in a folder that all see. The other one through a store, which holds the teacher's score already: it must
    be found there and not be made again."""
    runs, log = folder/"runs", folder/"snakemake.log"
    wrong = run(workflow(folder, rows[0], runs), project, log)
    if wrong: return wrong
    shutil.copytree(runs, folder/"store"/"runs")
    return run(workflow(folder, rows[1], "runs", *storage(folder)), project, folder/"snakemake_storage.log")


def check(folder):
    "What is wrong with a finished workflow, or None, by Slurm's own list: state, GPUs, the rule and its wildcards."
    columns = "--Format=Name: ,State: ,tres-per-job: ,Comment: "
    listed = [line.split() for line in ask("squeue", "--noheader", "--states=all", "--sort=i", columns)]
    jobs = [job for name, *job in listed if name != "chain"]
    for job in jobs: print("  ", *job)
    shared, stored = finished(folder/"runs"), finished(folder/"store"/"runs")
    scored = zip(rows, (shared, stored))
    missing = [row for row, there in scored if not any(f"{row}/s0/stage2-" in path for path in there)]
    if missing: return f"no final score of {missing}"
    if len(jobs) != len(shared | stored):
        return f"{len(shared | stored)} records from {len(jobs)} Slurm jobs: something ran outside Slurm"
    if not list((folder/"node").rglob("finetune.pt")): return "the job with a store did not train in its node's folder"
    if {(state, gpus) for state, gpus, _ in jobs} != {("COMPLETED", "gres:gpu:1")}:
        return "a job did not complete, or got no GPU"


def submit_chain(folder, project):
    "A job of one minute at a time, with a training that takes two: it has to come back to the queue twice."
    write_notebook(folder/"slow.ipynb")
    command = [sys.executable, "papermill_runs/job.py", folder/"slow.ipynb", folder/"chain.ipynb",
               "--requeue", "-r", "folder", folder/"chain"]
    step = f"srun --ntasks=1 {' '.join(map(str, command))}"
    options = ["--requeue", "--time=1", "--job-name=chain", f"--output={folder}/chain.log", "--open-mode=append"]
    if not ask("sbatch", "--chdir", project, *options, "--wrap", step): return "the chain of jobs was not submitted"


def check_chain(folder):
    "What is wrong with the chain of jobs, or None: it restarted and ended with the weights of an unbroken run."
    def state() -> list[str]: # status, restarts
        columns = "--Format=State: ,RestartCnt: "
        lines = ask("squeue", "--noheader", "--states=all", "--name=chain", columns) or ["UNKNOWN 0"]
        return lines[0].split()
    ended = wait_until(lambda: state()[0] not in ("PENDING", "RUNNING", "COMPLETING", "UNKNOWN"), 1200)
    status, restarts = state()
    print("   chain", status, restarts)
    if not ended or status != "COMPLETED": return f"the chain of jobs is {status}"
    if int(restarts) < 2: return f"the chain of jobs came back to the queue {restarts} times only"
    if train(folder/"chain", pause=0) != train(folder/"unbroken", pause=0): return "the chain ended with other weights"


def main():
    if os.geteuid() != 0: skip("the daemons of Slurm need root")
    install(needed, packages)
    for number in (signal.SIGTERM, signal.SIGHUP): signal.signal(number, lambda number, _: sys.exit(128 + number))
    os.environ.update(PATH=f"{programs}:{os.environ['PATH']}", OMP_NUM_THREADS="1")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm_")))
        configure(folder)
        if start(stack, folder):
            print("Slurm is up, running a chain of jobs and", *rows, flush=True)
            project = copy_project(folder)
            os.environ["PYTHONPATH"] = str(project)
            wrong = (submit_chain(folder, project) or run_rows(folder, project)
                     or check(folder) or check_chain(folder))
        else: wrong = "the node did not become idle"
        if wrong:
            for log in sorted(folder.rglob("*.log")):
                print(f"--- {log.relative_to(folder)}", log.read_text(errors="replace")[-3000:], sep="\n")
    good = "ok: Slurm ran the job of every record, with and without a common folder; short jobs finish a long training"
    print(f"FAILED: {wrong}" if wrong else good)
    return bool(wrong)


if __name__ == "__main__": sys.exit(main())
