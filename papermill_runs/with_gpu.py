"""Run a command on GPUs that no other job of this machine uses:

    python papermill_runs/with_gpu.py [--gpus N] COMMAND [ARGUMENT ...]

It chooses among the devices in CUDA_VISIBLE_DEVICES, or among all that nvidia-smi lists, and waits while too few are
free. A device is taken by locking its file in the folder for temporary files. The command then replaces this process
and inherits the locks: its exit status and its signals are its own, and the system frees the devices when it is gone.
Where there is no GPU the command just runs. `--gpus 0` hides them all.

Inside a Slurm job the devices are the ones Slurm gave; the locks then belong to that job alone.
"""
import argparse
import fcntl
import os
import random
import re
import shutil
import sys
import tempfile
import time
from itertools import takewhile
from pathlib import Path


def visible_devices():
    "The GPUs this process may use, by CUDA_VISIBLE_DEVICES, which CUDA too reads up to its first invalid name."
    names = os.environ.get("CUDA_VISIBLE_DEVICES")
    if names is None:
        if "SLURM_JOB_ID" in os.environ or not shutil.which("nvidia-smi"): return []
        import subprocess  # the only use of a slow import
        query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
        names = ",".join(subprocess.run(query, capture_output=True, text=True).stdout.split())
    return list(takewhile(re.compile(r"\d+|(GPU|MIG)-.+").fullmatch, (name.strip() for name in names.split(","))))


def lock(device):
    "An inheritable descriptor that holds this device, or None if another process does."
    scope = "-".join(["gpus", str(os.getuid()), *filter(None, [os.environ.get("SLURM_JOB_ID")])])
    path = Path(tempfile.gettempdir())/scope/f"{device.replace('/', '_')}.lock"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try: fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError: return os.close(descriptor)
    os.set_inheritable(descriptor, True)
    return descriptor


def take(devices, count):
    "Wait until `count` of these devices are free and hold them: all or none, so that no two wait for each other."
    waiting = False
    while True:
        held = {}
        for device in devices:
            if len(held) < count and (descriptor := lock(device)) is not None: held[device] = descriptor
        if len(held) == count: return list(held)
        for descriptor in held.values(): os.close(descriptor)
        if not waiting: print(f"with_gpu: waiting for {count} free of {len(devices)} GPUs", file=sys.stderr, flush=True)
        waiting = True
        time.sleep(random.uniform(0.2, 1))


def main():
    purpose = "Run a command on GPUs that no other job of this machine uses."
    parser = argparse.ArgumentParser(description=purpose, allow_abbrev=False)
    parser.add_argument("--gpus", type=int, default=1, metavar="N", help="how many (default 1)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run, with its arguments")
    args = parser.parse_args()
    devices = visible_devices()
    if not args.command: parser.error("no command given")
    if devices and not 0 <= args.gpus <= len(devices):
        parser.error(f"{args.gpus} GPUs asked for, {len(devices)} here: {', '.join(devices)}")
    if devices: os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(take(devices, args.gpus))
    try: os.execvp(args.command[0], args.command)
    except OSError as error:
        print(f"with_gpu: {args.command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)


if __name__ == "__main__": main()
