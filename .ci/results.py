"""Execute the notebooks that show committed results, or check that what they show is still true.

    python .ci/results.py            writes outputs into nbs/experiments/tables and nbs/experiments/teacher
    python .ci/results.py --check    executes them again and compares their text; the exit status says whether it agrees

They read records and train nothing, so this takes seconds. Libraries are imported once, in a process that is copied
for each notebook.
"""
import base64
import os
import sys
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1") # before torch is imported
root = Path(__file__).resolve().parent.parent
LARGEST = 60_000 # bytes of a picture inside a notebook


def notebooks():
    "The notebooks whose outputs are committed."
    experiments = root/"nbs"/"experiments"
    return sorted(path for folder in ("tables", "teacher") for path in (experiments/folder).glob("*.ipynb"))


def smaller(png):
    "A picture in few colours, in base64 as notebooks hold it."
    from grafting_nb.results.publish import in_few_colours
    return base64.b64encode(in_few_colours(base64.b64decode(png))).decode() + "\n"


def executed(path):
    "The notebook with new outputs; progress bars and warnings are no results."
    from execnb.nbio import read_nb
    from execnb.shell import CaptureShell
    notebook = read_nb(path)
    os.chdir(path.parent)
    CaptureShell(path=path.parent, mpl_format="png").run_all(notebook, exc_stop=True)
    for cell in notebook.cells:
        if cell.cell_type != "code": continue
        cell.execution_count = None
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        for output in cell.outputs:
            if "execution_count" in output: output["execution_count"] = None
            data = output.get("data", {})
            if "image/png" in data: data["image/png"] = smaller(plain(data["image/png"]))
    return notebook


def plain(value):
    "Text that a notebook may hold in lines."
    return value if isinstance(value, str) else "".join(value)


def shown(notebook):
    "All text among the outputs, cell by cell."
    lines = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data: continue # its size in pixels is no result
            kind = next((kind for kind in ("text/markdown", "text/plain") if kind in data), None)
            if kind: lines.append(plain(data[kind]).strip())
            elif "text" in output: lines.append(plain(output["text"]).strip())
    return "\n".join(lines)


def faults(notebook):
    "What must not be among the outputs."
    if str(root) in shown(notebook): yield "a path of this machine"
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            picture = plain(output.get("data", {}).get("image/png", ""))
            size = len(base64.b64decode(picture))
            if size > LARGEST: yield f"a picture of {size:,} bytes, {LARGEST:,} are allowed"


def work(path, check):
    "Execute one notebook; returns what is wrong with it."
    from execnb.nbio import read_nb, write_nb
    try: notebook = executed(path)
    except Exception as error: return [f"{type(error).__name__}: {error}"]
    wrong = list(faults(notebook))
    if not check: write_nb(notebook, path)
    elif shown(notebook) != shown(read_nb(path)): wrong.append("its outputs are not those of the records: make results")
    return wrong


def main():
    "Execute them all; returns the number of notebooks with something wrong."
    import matplotlib.pyplot  # noqa: F401
    import scipy.stats  # noqa: F401

    import grafting_nb.results.model_figures  # noqa: F401
    check = "--check" in sys.argv[1:]
    paths, bad = notebooks(), 0
    with get_context("fork").Pool(os.cpu_count() or 1, maxtasksperchild=1) as pool:
        jobs = [pool.apply_async(work, (path, check)) for path in paths]
        for path, job in zip(paths, jobs):
            wrong = job.get()
            print(f"{'FAILED' if wrong else 'ok':6}  {path.relative_to(root)}", *wrong, sep="\n        ", flush=True)
            bad += bool(wrong)
    return bad


if __name__ == "__main__": sys.exit(main() > 0)
