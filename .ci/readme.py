"Write README.md from nbs/index.ipynb: nbdev's directives obeyed, links and pictures as seen from the root."
import re
import shutil
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter
from nbconvert.preprocessors import Preprocessor

root = Path(__file__).resolve().parent.parent
source, target, pictures = root/"nbs"/"index.ipynb", root/"README.md", root/"figures"/"readme"
hidden = re.compile(r"^#\|\s*(hide|default_exp|include:\s*false)\b", re.M)
note = "<!-- Made by `make readme` from nbs/index.ipynb: edit the notebook, not this file. -->\n\n"


def from_root(match):
    "A link relative to nbs/, made relative to the root; addresses and anchors stay."
    before, link, after = match.groups()
    if re.match(r"[a-z]+:|#|/", link): return match[0]
    return before + (source.parent/link).resolve().relative_to(root).as_posix() + after


def relink(text):
    "Markdown with its links as seen from the root."
    return re.sub(r"""(\]\(|\b(?:src|href)=["'])([^)"'\s]+)([)"'\s])""", from_root, text)


class Directives(Preprocessor):
    "Drop hidden cells, directive lines and unwanted output; move links from nbs/ to the root."

    def preprocess(self, nb, resources):
        nb.cells = [self.cell(cell) for cell in nb.cells if not hidden.search(cell.source)]
        return nb, resources

    def cell(self, cell):
        if cell.cell_type == "markdown": cell.source = relink(cell.source)
        if cell.cell_type != "code": return cell
        directives = re.findall(r"^#\|\s*(.*?)\s*$", cell.source, re.M)
        cell.source = re.sub(r"^#\|.*\n?", "", cell.source, flags=re.M).strip()
        if "echo: false" in directives or not cell.source: cell.metadata["transient"] = {"remove_source": True}
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"] # bars and warnings
        for output in cell.outputs:
            data = output.get("data", {})
            if "text/markdown" in data: data["text/markdown"] = relink(data["text/markdown"])
        return cell


exporter = MarkdownExporter()
exporter.register_preprocessor(Directives, enabled=True)
nb = nbformat.read(source, as_version=4)
text, resources = exporter.from_notebook_node(nb, {"output_files_dir": pictures.relative_to(root).as_posix()})
shutil.rmtree(pictures, ignore_errors=True)
for name, data in resources["outputs"].items():
    path = root/name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
text = re.sub(r"\n{3,}", "\n\n", text.strip()) # an output leaves several empty lines
target.write_text(note + text + "\n", encoding="utf-8")
