"Run the notebooks given as arguments, or all below nbs/, each in its own nbdev_test; the last line counts them."
import os, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

root = Path(__file__).resolve().parent.parent
slow_rooms = ("trainers", "tutorials", "experiments", "tests") # started first, so that no long notebook is left to run alone at the end
nbdev_test = Path(sys.executable).with_name("nbdev_test")
env = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **os.environ}


def notebooks():
    "Every notebook below nbs/, slow rooms first; names that start with _ or . are drafts."
    found = [path.relative_to(root) for path in (root/"nbs").rglob("*.ipynb")]
    found = [path for path in found if not any(part.startswith(("_", ".")) for part in path.parts)]
    return sorted(found, key=lambda path: (path.parts[1] not in slow_rooms, path))


def run(path):
    "Test one notebook: (path, whether it passed, seconds, what it printed)."
    start = time.time()
    done = subprocess.run([nbdev_test, "--path", path, "--n_workers", "0"], cwd=root, env=env, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    passed = done.returncode == 0 and "Success." in done.stdout # nbdev_test also exits 0 when it finds nothing to test
    return path, passed, time.time() - start, done.stdout


def main():
    "Run them all and return the number of failures."
    paths = [Path(path).resolve().relative_to(root) for path in sys.argv[1:]] or notebooks()
    failed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(run, path) for path in paths]
        try:
            for job in as_completed(jobs):
                path, passed, seconds, output = job.result()
                print(f"{'ok' if passed else 'FAILED':6} {seconds:6.1f} s  {path}", flush=True)
                if not passed: print(output, flush=True)
                failed += not passed
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            sys.exit("stopped")
    print(f"{len(paths) - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__": sys.exit(main() > 0)
