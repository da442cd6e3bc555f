"""Everything nbdev and pip both need to know stands once, in settings.ini; this file hands it to setuptools."""
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

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
    python_requires=">=" + settings["min_python"],
    install_requires=settings["requirements"].split(),
    extras_require={extra: settings[f"{extra}_requirements"].split() for extra in ("dev", "docs", "cuda")},
)
