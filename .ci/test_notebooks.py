"""Run the notebooks given as arguments, or all below nbs/, each in a process of its own; the last line counts them.

A notebook that needs a library which is not installed is skipped, and counted as such.

Importing torch, diffusers and transformers takes most notebooks longer than their tests. So one process imports them
and is copied for each notebook: what a notebook changes stays in its copy. JOBS says how many run side by side.
"""
import importlib
import importlib.util
import os
import re
import sys
import tempfile
import time
from multiprocessing import connection, get_context
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1") # before torch is imported
os.environ.setdefault("PYTHONUNBUFFERED", "1")
os.environ["CUDA_VISIBLE_DEVICES"] = "" # the same tests on every machine; test_gpu.py is for a GPU
root = Path(__file__).resolve().parent.parent
jobs = int(os.environ.get("JOBS") or os.cpu_count() or 1)

# They are started first, so that no long notebook is left to run alone at the end.
slow_rooms = ("tests", "06_training", "10_study", "11_results", "tutorials", "how_to", "experiments")
preloaded = {
    "diffusers": ("AutoencoderKL", "PixArtSigmaPipeline", "DiTPipeline", "SD3Transformer2DModel",
                  "DDPMScheduler", "DDIMScheduler"),
    "transformers": ("T5EncoderModel", "Mask2FormerForUniversalSegmentation", "CLIPModel"),
}


def notebooks():
    "Every notebook below nbs/, slow rooms first; names that start with _ or . are drafts."
    found = [path.relative_to(root) for path in (root/"nbs").rglob("*.ipynb")]
    found = [path for path in found if not any(part.startswith(("_", ".")) for part in path.parts)]
    return sorted(found, key=lambda path: (path.parts[1] not in slow_rooms, path))


def preload():
    "Import what many notebooks import."
    from grafting_nb.core.machine import load_library
    for name in ("matplotlib.pyplot", "scipy.stats", "pandas"): importlib.import_module(name)
    for name in ("accelerate", "peft", "torch_fidelity"): load_library(name)
    for name, classes in preloaded.items():
        library = load_library(name)
        for each in classes: getattr(library, each)


def needs_new_interpreter(path):
    "Whether a notebook sets what huggingface_hub or Triton read when they are imported."
    source = (root/path).read_text().replace("\\", "")
    return any(sign in source for sign in ('"HF_', '"TRITON_', "empty_caches("))


def missing_library(path):
    "The library that a notebook needs (`#| needs: NAME`) and that is not here, or None."
    for name in re.findall(r"#\| needs: (\w+)", (root/path).read_text()):
        if importlib.util.find_spec(name) is None: return name


def test(path, log):
    "Test one notebook in this process, a copy of the first; its exit status is 0 when it passed."
    os.setpgrp() # its own programs end with it
    sys.argv = ["nbdev_test"]
    for stream in (1, 2): os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), stream)
    if needs_new_interpreter(path):
        os.chdir(root)
        program = Path(sys.executable).with_name("nbdev_test")
        os.execv(program, ["nbdev_test", "--path", str(path), "--n_workers", "0"])
    from nbdev.config import get_config
    from nbdev.test import test_nb
    os.chdir(root/"nbs")
    passed, _ = test_nb(root/path, skip_flags=get_config().tst_flags.split(), basepath=root)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if passed else 1)


def report(path, passed, seconds, log):
    "One line, and what a failed notebook said."
    print(f"{'ok' if passed else 'FAILED':6} {seconds:6.1f} s  {path}", flush=True)
    if not passed: print(log.read_text(errors="replace") if log.exists() else "it left no output", flush=True)


def run_all(paths, logs, running):
    "Run them side by side, as many as there are jobs; returns how many failed."
    context = get_context("fork")
    waiting = paths[::-1]
    failed = 0
    while waiting or running:
        while waiting and len(running) < jobs:
            path = waiting.pop()
            log = logs/str(len(waiting))
            process = context.Process(target=test, args=(path, log))
            process.start()
            running[process.sentinel] = process, path, log, time.time()
        for sentinel in connection.wait(running):
            process, path, log, start = running.pop(sentinel)
            process.join()
            report(path, process.exitcode == 0, time.time() - start, log)
            failed += process.exitcode != 0
    return failed


def main():
    "Run what was asked for; returns the number of failures."
    paths = [Path(path).resolve().relative_to(root) for path in sys.argv[1:]] or notebooks()
    missing = [path for path in paths if not (root/path).is_file()]
    if missing: sys.exit(f"no notebook {missing[0]}")
    skipped = {path: library for path in paths if (library := missing_library(path))}
    for path, library in skipped.items(): print(f"SKIPPED            {path}: {library} is not installed", flush=True)
    paths = [path for path in paths if path not in skipped]
    os.chdir(root)
    preload()
    running = {} # sentinel -> process, path, log, start
    with tempfile.TemporaryDirectory() as logs:
        try:
            failed = run_all(paths, Path(logs), running)
        except KeyboardInterrupt:
            for process, *_ in running.values(): os.killpg(process.pid, 15)
            sys.exit("stopped")
    without = f", {len(skipped)} skipped" if skipped else ""
    print(f"{len(paths) - failed} passed, {failed} failed{without}")
    return failed


if __name__ == "__main__": sys.exit(main() > 0)
