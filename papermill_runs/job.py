"""Run a notebook with papermill, as a job that may be told to end:

    python papermill_runs/job.py NOTEBOOK OUTPUT [-r NAME VALUE ...]

Told to end, a training saves and leaves, if it hears of it and gets the time; papermill alone would kill it. So SIGTERM
is passed on to the kernel and what it has started, and some minutes before a Slurm job is over they get SIGUSR1, which
nobody but a training listens to. A job that was told to end and is not finished has status 75 ("try again").

`--requeue` is for a Slurm job that is nothing but this notebook: it goes back into the queue, as the same job.
"""
import argparse
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event, Thread

import psutil
from papermill import execute_notebook

MARGIN = 300  # seconds before the end of a Slurm job, or a fifth of what is left where that is less


def tell(number):
    "Send a signal to the kernel and all that it has started."
    for child in psutil.Process().children(recursive=True):
        try: child.send_signal(number)
        except psutil.NoSuchProcess: pass


def of_slurm(column):
    "What Slurm says of the job that this is a part of; nothing outside of Slurm."
    if "SLURM_JOB_ID" not in os.environ: return ""
    command = ["squeue", "--noheader", "--jobs", os.environ["SLURM_JOB_ID"], "--format", column]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.strip()


def warn_before_the_end(told, finished):
    "When the time of a Slurm job is nearly over, say so until somebody listens: between two trainings nobody does."
    try: left = (datetime.fromisoformat(of_slurm("%e")) - datetime.now()).total_seconds()
    except ValueError: return # there is no limit
    if finished.wait(left - min(MARGIN, left/5)): return
    told.set()
    while not finished.wait(5): tell(signal.SIGUSR1)


def requeue():
    "Back into the queue, unless this job was cancelled or preempted: then it is no longer running."
    if of_slurm("%T") == "RUNNING": subprocess.run(["scontrol", "requeue", os.environ["SLURM_JOB_ID"]])


def main():
    parser = argparse.ArgumentParser(description="Run a notebook as a job that may be told to end.")
    parser.add_argument("notebook")
    parser.add_argument("output", help="the executed notebook")
    parser.add_argument("-r", action="append", nargs=2, default=[], metavar=("NAME", "VALUE"), help="as text")
    parser.add_argument("--requeue", action="store_true", help="put this Slurm job back into the queue")
    args = parser.parse_args()
    told, finished = Event(), Event()

    def pass_on(number, frame):
        told.set()
        if "SLURM_JOB_ID" not in os.environ: tell(number) # Slurm itself tells every process of a job

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN) # inherited by all that is started here
    Thread(target=warn_before_the_end, args=(told, finished), daemon=True).start()
    how = dict(kernel_name="python3", cwd=".", progress_bar=False)
    with ThreadPoolExecutor(1) as pool: # outside of the main thread papermill leaves signals alone
        job = pool.submit(execute_notebook, args.notebook, args.output, dict(args.r), **how)
        error = job.exception()
    finished.set()
    if error is None: return 0
    if not told.is_set() and getattr(error, "ename", None) != "Interrupted": raise error
    print(f"told to end: the same command goes on\n{error}", file=sys.stderr)
    if args.requeue: requeue()
    return os.EX_TEMPFAIL


if __name__ == "__main__": sys.exit(main())
