"""Build the site: pages from the notebooks as they are committed (nothing is executed), the reference from the source.

    python .site/build.py [FOLDER]     the site comes into FOLDER/html, _docs without an argument

The sidebar follows the folders of nbs/: what they are called and in which order they stand is all that decides.
"""
import ast
import json
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import api
from families import FOLDER, families_page
from links import Site
from pages import module_of, notebook_page, title_and_lead

ROOT = Path(__file__).resolve().parent.parent
GUIDES = {"tutorials": "Tutorials", "how_to": "How to"}
RESULTS = {"experiments/tables": "Results: the tables"}
WORK = {"experiments": "Experiments", "tests": "Tests"}
TITLES = GUIDES | RESULTS | WORK | {"api": "Reference"}
PROJECT = "CONTRIBUTING.md", "CHANGELOG.md"


def settings() -> dict:
    "What settings.ini says."
    parser = ConfigParser(delimiters=["="])
    parser.read(ROOT/"settings.ini", encoding="utf-8")
    return parser["DEFAULT"]


def visible(path:Path) -> bool:
    "Whether a notebook is one of the project's: no checkpoint, nothing hidden."
    return not any(part[0] in "._" for part in path.relative_to(ROOT).parts)


def notebooks() -> list[Path]:
    "All notebooks, in reading order."
    return sorted(path for path in (ROOT/"nbs").rglob("*.ipynb") if visible(path))


def page_name(path:Path) -> str: # as Sphinx names documents
    "The page of a notebook, of a folder of notebooks or of a Markdown file."
    if path.suffix == ".md": return path.stem.lower()
    name = path.relative_to(ROOT/"nbs").with_suffix("").as_posix()
    return f"{name}/index" if path.is_dir() else name


def folder_name(path:Path) -> str:
    "A path as seen from nbs/."
    return path.relative_to(ROOT/"nbs").as_posix()


def room_title(name:str) -> str:
    "What a folder is called: 05_grafting is Grafting."
    return TITLES.get(name, re.sub(r"^\d+_", "", Path(name).name).replace("_", " ").capitalize())


def room_leads() -> dict[str, str]: # folder -> what is in it
    "The table of rooms on the front page, which says what each of them holds."
    nb = json.loads((ROOT/"nbs"/"index.ipynb").read_text(encoding="utf-8"))
    text = "\n".join("".join(cell["source"]) for cell in nb["cells"] if cell["cell_type"] == "markdown")
    return dict(re.findall(r"^\| *\[[^\]]*\]\(([^)]*?)/?\) *\|(?:.*\|)? *(.*?) *\|$", text, re.M))


def toctree(*pages:str, caption:str="", hidden:bool=True) -> str:
    "A part of the sidebar."
    options = [":hidden:"]*hidden + ([f":caption: {caption}"] if caption else [])
    return "\n".join(["```{toctree}", *options, "", *pages, "```"])


def contents(folder:Path) -> list[Path]:
    "Notebooks and folders of a room: its notebooks first."
    return sorted(filter(page_of_site, folder.iterdir()), key=lambda path: (path.is_dir(), path))


def page_of_site(path:Path) -> bool:
    "Whether a notebook or folder has a page."
    if path.is_dir(): return any(visible(inside) for inside in path.rglob("*.ipynb"))
    return path.suffix == ".ipynb" and visible(path)


def room_page(site:Site, folder:Path, lead:str) -> str:
    "The list of what is in a folder, each with its `>` line."
    title = room_title(folder_name(folder))
    inside = contents(folder)
    below = [path for path in inside if folder_name(path) not in RESULTS] # these stand higher up in the sidebar
    entries = [f"{path.name}/index" if path.is_dir() else path.stem for path in below]
    quoted = f"> {lead[0].upper()}{lead[1:]}" if lead else ""
    listed = "\n".join(room_line(site, path) for path in inside)
    return "\n\n".join(filter(None, [f"# {title}", quoted, listed, toctree(*entries)])) + "\n"


def room_line(site:Site, path:Path) -> str:
    "A notebook or folder in the list of its room."
    if path.is_dir(): return f"- **[{room_title(folder_name(path))}]({path.name}/index.md)**"
    heading, lead = title_and_lead(json.loads(path.read_text(encoding="utf-8")))
    return f"- **[{heading}]({path.name})** {site.relink(lead, path, page_name(path))}"


def sidebar() -> str:
    "The sidebar, for the front page."
    top = [path for path in sorted((ROOT/"nbs").iterdir()) if page_of_site(path) and path.name != "index.ipynb"]
    names = {folder_name(path): page_name(path) for path in top}
    library = [name for key, name in names.items() if key not in TITLES]
    results = [f"{key}/index" for key in RESULTS if (ROOT/"nbs"/key).is_dir()]
    project = [Path(name).stem.lower() for name in PROJECT if (ROOT/name).exists()]
    return "\n\n".join([
        toctree(*(names[key] for key in GUIDES if key in names), "families", *results, caption="Start here"),
        toctree(*library, caption="Library, in reading order"),
        toctree("api/index", *(names[key] for key in WORK if key in names), *project, caption="More")])


def modules(library:str) -> list[tuple[Path, dict, api.Module]]: # notebook, its content, what it exports
    "All modules, in reading order."
    found = []
    for notebook in notebooks():
        nb = json.loads(notebook.read_text(encoding="utf-8"))
        name = module_of(nb)
        if not name: continue
        file = ROOT/library/Path(*name.split(".")).with_suffix(".py")
        found.append((notebook, nb, api.parse(file, f"{library}.{name}")))
    return found


def reference(site:Site) -> dict[str, str]: # page -> text
    "The pages of all modules, and their lists by room."
    pages, rooms = {}, {}
    for notebook, nb, module in modules(site.library):
        title, lead = title_and_lead(nb)
        page = f"api/{module.short}"
        link = site.target(notebook.name, notebook, page)
        lead = site.relink(lead, notebook, page)
        pages[page] = api.module_page(module, lead, f"Built and tested in the notebook [{title}]({link}).")
        room = module.short.partition(".")[0]
        rooms.setdefault(room, []).append((module, lead))
    for room, inside in rooms.items():
        page = f"api/{room}"
        if page not in pages: pages[page] = room_reference(room, inside)
    pages["api/index"] = reference_front(site.library, rooms)
    return pages


def reference_front(library:str, rooms:dict[str, list[tuple[api.Module, str]]]) -> str:
    "The first page of the reference: the names that most users need, then all modules."
    everything = [entry for inside in rooms.values() for entry in inside]
    owners = {name: module for module, _ in everything for name in module.public}
    stub = ast.parse((ROOT/library/"__init__.pyi").read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    lines = [f"| `from {library} import *` | |", "| --- | --- |"]
    for name in (alias.name for node in imports for alias in node.names):
        module = owners[name]
        lines.append(f"| {reference_to(module, name)} | {api.prose(module.summary(name))} |")
    lead = "> What most users need, then every public function and class."
    parts = [f"# {TITLES['api']}", lead, "\n".join(lines), "## All modules", module_list(everything), toctree(*rooms)]
    return "\n\n".join(parts) + "\n"


def room_reference(room:str, inside:list[tuple[api.Module, str]]) -> str:
    "The page of a room's modules."
    entries = toctree(*(module.short for module, _ in inside))
    return "\n\n".join([f"# {room_title(room)}", module_list(inside), entries]) + "\n"


def module_list(inside:list[tuple[api.Module, str]]) -> str:
    "Modules with their leads and names."
    parts = []
    for module, lead in inside:
        names = ", ".join(reference_to(module, name) for name in module.public)
        parts.append(f"**[{module.short}]({module.short}.md)** {lead}\\\n{names}")
    return "\n\n".join(parts)


def reference_to(module:api.Module, name:str) -> str:
    "A link to the description of a public name."
    return f"{{py:obj}}`{name} <{module.name}.{name}>`"


def public_names(library:str) -> dict[str, str]: # name -> full name
    "The names that only one module defines."
    found = {}
    for _, _, module in modules(library):
        for name in module.public: found.setdefault(name, []).append(f"{module.name}.{name}")
    return {name: full[0] for name, full in found.items() if len(full) == 1}


def make_pages(site:Site) -> dict[str, str]: # file -> text
    "Everything that Sphinx reads; the site keeps the pictures that are shown, and the links to nothing."
    documents = [ROOT/name for name in PROJECT if (ROOT/name).exists()]
    folders = [path for path in sorted((ROOT/"nbs").rglob("*")) if path.is_dir() and page_of_site(path)]
    site.pages = {path: page_name(path) for path in [*notebooks(), *folders, *documents]}
    site.pages[ROOT/FOLDER/"sites.json"] = "families"
    texts = {f"{name}.md": text for name, text in reference(site).items()}
    texts["families.md"] = families_page(ROOT)
    leads = room_leads()
    for folder in folders: texts[f"{page_name(folder)}.md"] = room_page(site, folder, leads.get(folder.name, ""))
    for file in documents:
        page = page_name(file)
        texts[f"{page}.md"] = site.relink(file.read_text(encoding="utf-8"), file, page)
    for file in notebooks():
        below = sidebar() if file == ROOT/"nbs"/"index.ipynb" else ""
        texts[f"{page_name(file)}.ipynb"] = notebook_page(site, file, page_name(file), below)
    return texts


def write(source:Path, texts:dict[str, str], pictures:set[Path]) -> bool: # whether a file came or went
    "Write what changed, so that Sphinx reads no more than that, and delete what is gone."
    files = {source/name: text.encode() for name, text in texts.items()}
    files |= {source/path.relative_to(ROOT): path.read_bytes() for path in pictures}
    before = {path for path in source.rglob("*") if path.is_file()}
    for path in before - files.keys(): path.unlink()
    for path, data in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != data: path.write_bytes(data)
    return before != files.keys()


def forget(source:Path, html:Path):
    "Delete the pages of notebooks that are no more."
    for page in html.rglob("*.html"):
        name = page.relative_to(html).as_posix().removesuffix(".html")
        if name in ("search", "genindex", "py-modindex"): continue # Sphinx's own
        if not any((source/f"{name}{suffix}").exists() for suffix in (".md", ".ipynb")): page.unlink()


def main(folder:Path) -> int: # exit status
    "Make the pages and run Sphinx, for which a warning is an error."
    config = settings()
    library = config["lib_name"]
    site = Site(ROOT, config["git_url"], library, public_names(library))
    texts = make_pages(site)
    others = write(folder/"source", texts, site.pictures) # links may lead elsewhere now: all pages are read again
    if site.broken: print("links to nothing:", *sorted(set(site.broken)), sep="\n  ", file=sys.stderr)
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-a", *["-E"]*others, "-W", "--keep-going", "-q",
               "-j", "auto", "-c", ROOT/".site", "-d", folder/"doctrees", folder/"source", folder/"html"]
    status = subprocess.run(command).returncode
    forget(folder/"source", folder/"html")
    if status == 0: print(f"the site is in {folder/'html'/'index.html'}")
    return status or bool(site.broken)


if __name__ == "__main__": sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT/"_docs").resolve()))
