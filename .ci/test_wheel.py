"""What someone has who installs the built files alone, without a checkout: names, commands, the README's lines."""
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from configparser import ConfigParser
from email.parser import Parser
from pathlib import Path

from packaging.requirements import Requirement

root = Path(__file__).resolve().parent.parent
LARGEST = 20e6 # bytes of a wheel
OURS = ("PYTHONPATH", "GRAFTING_ROOT", "GRAFTING_DATA") # variables that would lead back to the checkout


def run(*command, folder, status=0, **variables):
    "Run a command in a folder without a trace of the checkout; its output."
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run([*map(str, command)], cwd=folder, env=inherited | variables, capture_output=True, text=True)
    said = done.stdout + done.stderr
    if done.returncode != status:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{said}")
    return said


def build(folder):
    "sdist, and from it the wheel."
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, root, folder=folder)
    [wheel] = folder.glob("*.whl")
    [_] = folder.glob("*.tar.gz")
    return wheel


def check_content(wheel):
    "Every module, what was declared, and no more than a mail could carry."
    settings = ConfigParser(delimiters=["="])
    settings.read(root / "settings.ini", encoding="utf-8")
    settings = settings["DEFAULT"]
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [metadata] = [archive.read(name).decode() for name in names if name.endswith("/METADATA")]
    modules = {path.relative_to(root).as_posix() for path in (root / "grafting_nb").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules, "modules are missing or left over"
    assert {"grafting_nb/py.typed", "grafting_nb/__init__.pyi"} < set(names)
    assert wheel.stat().st_size < LARGEST, f"the wheel has {wheel.stat().st_size / 1e6:.0f} MB"

    def listed(text):
        return {(entry.name, entry.specifier) for entry in map(Requirement, text.split())}

    def required(extra):
        return {
            (entry.name, entry.specifier)
            for entry in map(Requirement, Parser().parsestr(metadata).get_all("Requires-Dist"))
            if (entry.marker.evaluate({"extra": extra}) if entry.marker else not extra)}

    assert required("") == listed(settings["requirements"])
    for name in settings:
        extra = name.removesuffix("_requirements")
        if extra != name:
            assert required(extra) == listed(settings[name]), f"extra {extra}"
    print(f"ok      {wheel.name}: {len(modules)} modules, {wheel.stat().st_size / 1e6:.1f} MB")


def empty_environment(folder, wheel):
    "An environment with the wheel; its dependencies are those of this one, but for the editable install."
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder).strip()
    Path(packages, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel, folder=folder)
    where = run(python, "-c", "import grafting_nb; print(grafting_nb.__file__)", folder=folder)
    assert where.startswith(str(folder)), where
    return python


def ten_lines():
    "The first Python of the README."
    return re.search(r"```python\n(.*?)```", (root / "README.md").read_text(), re.S)[1]


def check_use(python, folder):
    "Commands and the README's lines, in an empty folder."
    grafting = python.with_name("grafting")
    light = "import sys, grafting_nb; assert len(grafting_nb.__all__) > 20 and 'torch' not in sys.modules"
    run(python, "-c", light, folder=folder)
    for words in (["tables"], ["rows", "hybrids"], ["models"], ["show", "demo"], ["show", "claims"], ["status"]):
        assert len(run(grafting, *words, folder=folder).splitlines()) > 2, words
    said = run(grafting, "run", "score", folder=folder, status=2)
    assert "needs its notebooks" in said, said
    print("ok      commands without a checkout")
    (folder / "ten_lines.py").write_text(ten_lines())
    run(python, "ten_lines.py", folder=folder, OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1")
    print("ok      the README's lines, as printed")


def check_types(python, folder):
    "An editor that checks types finds nothing wrong with the README's lines."
    checker = Path(sys.executable).with_name("basedpyright")
    settings = dict(typeCheckingMode="basic", reportWildcardImportFromLibrary=False)
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    run(checker, "--pythonpath", python, "--level", "error", "ten_lines.py", folder=folder)
    print("ok      the README's lines, types")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        wheel = build(folder)
        check_content(wheel)
        python = empty_environment(folder / "environment", wheel)
        (folder / "empty").mkdir()
        check_use(python, folder / "empty")
        check_types(python, folder / "empty")


if __name__ == "__main__":
    main()
