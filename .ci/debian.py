"Programs that a test needs, from the packages of Debian or Ubuntu; a test that cannot be tried ends with status 77."
import os
import shutil
import subprocess
import sys

SKIPPED = 77


def skip(reason:str):
    "End the test, which neither passed nor failed."
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def install(programs:tuple[str, ...], packages:tuple[str, ...]):
    "Install the packages unless their programs are here; skip the test where that is impossible."
    if all(map(shutil.which, programs)): return
    if os.geteuid() != 0: skip(f"not installed, and only root could: {' '.join(packages)}")
    if not shutil.which("apt-get"): skip(f"no apt-get that could install {' '.join(packages)}")
    print("installing", *packages, flush=True)
    # RUNLEVEL=1: packages start no daemons
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    apt = ["apt-get", "-q", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::Retries=1"]
    for command in ([*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(command, env=env, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode: skip("apt-get could not install the packages:\n" + done.stdout[-1000:])
