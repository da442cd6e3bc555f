"""Run notebooks with their cells `#| gpu`, by default all that have such cells, each in a process of its own.

A cell that fails is written down and the next one runs, so that one run shows everything that a machine with a GPU
finds wrong. Needs neither nbdev nor Jupyter. What each cell took and where it failed goes to a JSON file a notebook.
"""
import argparse
import ast
import gc
import json
import linecache
import os
import signal
import sys
import tempfile
import time
import traceback
import types
from multiprocessing import connection, get_context
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1") # before torch is imported
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1") # or looking for a GPU would spoil it for copies
os.environ["IN_TEST"] = "1" # as nbdev_test says it
root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root))
SKIPPED = {"notest", "slow", "eval: false"} # directives of cells that never run here


def arguments():
    "The command line."
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all that have cells for a GPU")
    parser.add_argument("--jobs", type=int, default=4, help="notebooks at once; they share the GPU")
    parser.add_argument("--limit", type=float, default=1800, help="seconds for everything; then it is ended")
    parser.add_argument("--cell", type=float, default=600, help="seconds for one cell")
    parser.add_argument("--log", type=Path, help="folder of the JSON files; a temporary one if left out")
    parser.add_argument("--alone", action="store_true", help="run one notebook in this very process")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the notebooks")
    return parser.parse_args()


def directives(source):
    "The words behind `#|` at the top of a cell."
    lines = [line.strip() for line in source.splitlines()]
    return {line[2:].strip() for line in lines if line.startswith("#|")}


def read_cells(path):
    "Position and cell of all code cells that are to run."
    cells = json.loads(path.read_text())["cells"]
    code = [(i, cell) for i, cell in enumerate(cells) if cell["cell_type"] == "code"]
    return [(i, cell) for i, cell in code if not directives("".join(cell["source"])) & SKIPPED]


def with_gpu_cells():
    "The notebooks that have cells for a GPU."
    found = [path for path in (root/"nbs").rglob("*.ipynb") if not path.name.startswith((".", "_"))]
    return sorted(path for path in found if any("gpu" in directives("".join(c["source"])) for _, c in read_cells(path)))


def overrun(*_):
    "What an alarm does to a cell."
    raise TimeoutError("the cell took too long")


def run_cell(source, name, module, seconds):
    "Run one cell in a module; its traceback if it failed."
    linecache.cache[name] = len(source), None, source.splitlines(True), name # what inspect and torch.compile read
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        exec(compile(ast.parse(source), name, "exec"), module.__dict__)
    except BaseException as error:
        return "".join(traceback.format_exception(type(error), error, error.__traceback__.tb_next))[-6000:]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def run_notebook(path, options):
    "Run all cells of a notebook in this process and write what happened after each of them."
    os.chdir(path.parent)
    signal.signal(signal.SIGALRM, overrun)
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    log = options.log/f"{'.'.join(path.relative_to(root/'nbs').with_suffix('').parts)}.json"
    results, failed = [], 0
    for i, cell in read_cells(path):
        source = "".join(cell["source"])
        if "parameters" in cell["metadata"].get("tags", []): source += "\n" + "\n".join(options.set)
        start = time.time()
        error = run_cell(source, f"<{path.name} cell {i}>", module, options.cell)
        seconds = round(time.time() - start, 2)
        results.append(dict(cell=i, gpu="gpu" in directives(source), seconds=seconds, error=error))
        log.write_text(json.dumps(results, indent=1))
        if error is not None:
            failed += 1
            print(f"FAILED {path.name} cell {i}: {error.strip().splitlines()[-1][:200]}", file=options.screen)
        gc.collect()
    return failed


def spoiled():
    "Whether a GPU is there that this copy of a process cannot use, because an import has used it before."
    import torch
    try:
        return torch.cuda.is_available() and torch.zeros(1, device="cuda").item() != 0
    except RuntimeError:
        return True


def child(path, options):
    "A notebook in a copy of this process; its exit status is the number of failed cells."
    os.setpgrp() # its own programs end with it
    options.screen = os.fdopen(os.dup(1), "w", buffering=1)
    output = os.open(options.log/"output.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2): os.dup2(output, stream)
    if spoiled():
        words = [word for value in options.set for word in ("--set", value)]
        run = [sys.executable, __file__, path, "--alone", "--cell", options.cell, "--log", options.log, *words]
        os.execv(sys.executable, [str(word) for word in run])
    failed = run_notebook(path, options)
    sys.stdout.flush(), sys.stderr.flush()
    os._exit(min(failed, 100))


def preload():
    "Import once what most notebooks import."
    import matplotlib.pyplot  # noqa: F401
    import scipy.stats  # noqa: F401

    from grafting_nb.core.machine import load_library
    for name in ("accelerate", "peft", "torch_fidelity", "diffusers", "transformers"): load_library(name)


def report(path, seconds, code):
    "One line about a notebook."
    state = "ok" if code == 0 else "ended" if code < 0 else f"{code} cells failed"
    print(f"{seconds:6.1f} s  {path.relative_to(root/'nbs')}  {state}", flush=True)


def begin(waiting, running, options):
    "Start notebooks until `jobs` of them run."
    while waiting and len(running) < options.jobs:
        path = waiting.pop(0)
        process = get_context("fork").Process(target=child, args=(path, options))
        process.start()
        running[process.sentinel] = process, path, time.time()


def collect(running, timeout):
    "Wait for notebooks that end; returns how many of them did not pass."
    bad = 0
    for sentinel in connection.wait(running, timeout):
        process, path, start = running.pop(sentinel)
        process.join()
        report(path, time.time() - start, process.exitcode)
        bad += process.exitcode != 0
    return bad


def run_all(paths, options):
    "Run notebooks beside each other; returns how many did not pass."
    deadline, waiting, running, bad = time.time() + options.limit, list(paths), {}, 0
    while (waiting or running) and time.time() < deadline:
        begin(waiting, running, options)
        bad += collect(running, max(0.1, deadline - time.time()))
    for process, *_ in running.values(): os.killpg(process.pid, signal.SIGKILL)
    while running: bad += collect(running, None)
    if waiting: print("not begun:", *(path.stem for path in waiting), flush=True)
    return bad + len(waiting)


def main():
    "Run them; the exit status says whether all passed."
    options = arguments()
    options.log = (options.log or Path(tempfile.mkdtemp())).resolve()
    options.log.mkdir(parents=True, exist_ok=True)
    options.screen = sys.stdout
    paths = [path.resolve() for path in options.notebooks] or with_gpu_cells()
    if options.alone: return min(run_notebook(*paths, options), 100)
    preload()
    bad = run_all(paths, options)
    print(f"{len(paths) - bad} passed, {bad} failed; see {options.log}")
    return bad > 0


if __name__ == "__main__": sys.exit(main())
