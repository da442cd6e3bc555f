"""Run a notebook with papermill, as a job that may be told to end:

    python papermill_runs/job.py NOTEBOOK OUTPUT [-r NAME VALUE ...]

Told to end, training and sampling save and leave, if they hear of it and get the time; papermill alone would kill them.
SIGTERM and Ctrl-C are passed on to the kernel and what it has started; inside of Slurm every process gets SIGTERM
anyway. Some minutes before a Slurm job is over they get SIGUSR1, which ends nobody else. A job that was told to end and
is not finished has status 75 ("try again").

`--requeue` is for a Slurm job that is nothing but this notebook: it goes back into the queue, as the same job.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import psutil
from papermill import execute_notebook

MARGIN = 300  # seconds before the end of a Slurm job, or a fifth of what is left where that is less


def send(number):
    "Send a signal to the kernel and all that it has started."
    for child in psutil.Process().children(recursive=True):
        try: child.send_signal(number)
        except psutil.NoSuchProcess: pass


def of_slurm(column):
    "What Slurm says of the job that this is a part of, in a column of squeue; nothing where it does not answer."
    command = ["squeue", "--noheader", "--jobs", os.environ["SLURM_JOB_ID"], "--format", column]
    environment = os.environ | {"SLURM_TIME_FORMAT": "%s"}  # seconds since 1970
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment).stdout.strip()


def end_of_job(finished):
    "When Slurm ends this job, in seconds since 1970; None where it has no limit. A busy controller is asked again."
    while not (end := of_slurm("%e")) and not finished.wait(60): pass
    return float(end) if end.isdigit() else None


def warn_before_the_end(told, finished):
    "While time is short, say so until somebody listens: between two trainings nobody does. Then end who is left."
    if (end := end_of_job(finished)) is None: return
    left = end - time.time()
    margin = min(MARGIN, left/5)
    if finished.wait(left - margin): return
    told.set()
    while not finished.wait(margin/60): send(signal.SIGUSR1 if time.time() < end - margin/5 else signal.SIGTERM)


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
    in_slurm = "SLURM_JOB_ID" in os.environ
    watched = in_slurm and shutil.which("squeue")
    if in_slurm and not watched:
        print("no squeue here: nobody will be warned before the end of this Slurm job", file=sys.stderr)

    def pass_on(number, frame):
        told.set()
        if number == signal.SIGINT or not in_slurm: send(signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT): signal.signal(number, pass_on)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # inherited by all that is started here
    if watched: Thread(target=warn_before_the_end, args=(told, finished), daemon=True).start()
    how = dict(kernel_name="python3", cwd=".", progress_bar=False)
    with ThreadPoolExecutor(1) as pool:  # outside of the main thread papermill leaves signals alone
        error = pool.submit(execute_notebook, args.notebook, args.output, dict(args.r), **how).exception()
    finished.set()
    if error is None: return 0
    if not told.is_set() and getattr(error, "ename", None) != "Interrupted": raise error
    print(f"told to end: the same command goes on\n{error}", file=sys.stderr)
    if args.requeue and watched: requeue()
    return os.EX_TEMPFAIL


if __name__ == "__main__": sys.exit(main())
