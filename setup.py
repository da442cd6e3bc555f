"""Everything nbdev and pip both need to know stands once, in settings.ini; this file hands it to setuptools."""
import shutil
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

here = Path(__file__).parent
parser = ConfigParser(delimiters=["="])
parser.read(here / "settings.ini", encoding="utf-8")
settings = parser["DEFAULT"]
readme = here / "README.md"
licenses = {"apache2": "Apache-2.0"} # nbdev's word -> SPDX
stages = {"3": "3 - Alpha", "4": "4 - Beta", "5": "5 - Production/Stable"}
classifiers = [
    f"Development Status :: {stages[settings['status']]}",
    "Intended Audience :: Science/Research",
    "Intended Audience :: Education",
    "Framework :: Jupyter",
    "Operating System :: POSIX :: Linux",
    "Programming Language :: Python :: 3",
    f"Programming Language :: Python :: {settings['min_python']}",
    "Topic :: Scientific/Engineering :: Artificial Intelligence",
    "Topic :: Scientific/Engineering :: Image Processing",
]


def shipped_files():
    "Weights of the small models, their data and the committed records; neither caches nor golden values."
    for folder in ("data", "papermill_runs/records"):
        for path in sorted((here / folder).rglob("*")):
            inside = path.relative_to(here)
            if path.is_file() and inside.parts[1] not in ("cache", "golden") and path.suffix != ".ipynb":
                yield inside


class BuildWithData(build_py):
    "The shipped files travel inside the package, where `grafting_nb.core.files.shipped` finds them."

    def run(self):
        super().run()
        if self.editable_mode:
            return
        for inside in shipped_files():
            target = Path(self.build_lib) / "grafting_nb" / "shipped" / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(here / inside, target)


extras = ("dev", "docs", "cuda")
setup(
    name=settings["lib_name"],
    version=settings["version"],
    description=settings["description"],
    long_description=readme.read_text(encoding="utf-8") if readme.exists() else "",
    long_description_content_type="text/markdown",
    author=settings["author"],
    license_expression=licenses[settings["license"]],
    license_files=["LICENSE"],
    keywords=settings["keywords"].split(),
    classifiers=classifiers,
    url=settings["git_url"],
    project_urls={
        "Documentation": settings["doc_host"] + settings["doc_baseurl"],
        "Changelog": f"{settings['git_url']}/blob/{settings['branch']}/CHANGELOG.md",
    },
    entry_points={"console_scripts": settings["console_scripts"].split()},
    packages=find_packages(include=["grafting_nb", "grafting_nb.*"]),
    package_data={"grafting_nb": ["py.typed", "*.pyi"]},
    cmdclass={"build_py": BuildWithData},
    python_requires=">=" + settings["min_python"],
    install_requires=settings["requirements"].split(),
    extras_require={extra: settings[f"{extra}_requirements"].split() for extra in extras},
)
