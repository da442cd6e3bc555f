"Notebooks as pages: what only nbdev needs is taken out, links and names lead to their places on the site."
import ast
import json
import re
from pathlib import Path

from links import Site

DIRECTIVE = re.compile(r"^#\|\s*(.*?)\s*$", re.M)
HIDDEN = re.compile(r"(hide|default_exp|include:\s*false)\b")


def source_of(cell:dict) -> str:
    "The text of a cell, which the file may hold as a list of lines."
    return "".join(cell["source"])


def directives(cell:dict) -> list[str]: # without `#|`
    "What nbdev is told about a code cell."
    return DIRECTIVE.findall(source_of(cell)) if cell["cell_type"] == "code" else []


def title_and_lead(nb:dict) -> tuple[str, str]:
    "The H1 of a notebook and its `>` line; ValueError without an H1."
    text = "\n".join(source_of(cell) for cell in nb["cells"] if cell["cell_type"] == "markdown")
    title = re.search(r"^# (.+)$", text, re.M)
    if not title: raise ValueError("the notebook has no title (# ...)")
    lead = re.search(r"^> (.+)$", text, re.M)
    return title[1].strip(), lead[1].strip() if lead else ""


def module_of(nb:dict) -> str|None: # `grafting_nb.` left out
    "The module that a notebook exports to."
    found = (re.match(r"default_exp\s+(\S+)", line) for cell in nb["cells"] for line in directives(cell))
    return next((match[1] for match in found if match), None)


def only_imports(code:str) -> bool:
    "Whether a cell does nothing but import, so that a reader may skip it."
    try: body = ast.parse(code).body
    except SyntaxError: return False # a magic of IPython
    return bool(body) and all(isinstance(node, ast.Import | ast.ImportFrom) for node in body)


def page_cell(cell:dict, site:Site, file:Path, page:str) -> dict:
    "A cell as the site shows it."
    if cell["cell_type"] == "markdown": return dict(cell, source=site.relink(source_of(cell), file, page))
    told = directives(cell)
    code = re.sub(r"^#\|.*\n?", "", source_of(cell), flags=re.M).strip()
    tags = list(cell["metadata"].get("tags", []))
    if "echo: false" in told or not code: tags.append("remove-input")
    if any(line.startswith("export") for line in told): tags.append("export")
    if only_imports(code): tags.append("hide-input")
    if "gpu" in told: tags.append("gpu")
    return dict(cell, source=code, metadata={"tags": tags},
                outputs=[page_output(o, site, file, page) for o in cell["outputs"]])


def page_output(output:dict, site:Site, file:Path, page:str) -> dict:
    "An output whose Markdown has the links of the site."
    if "text/markdown" not in output.get("data", {}): return output
    text = site.relink("".join(output["data"]["text/markdown"]), file, page)
    return dict(output, data={"text/markdown": text})


def notebook_page(site:Site, file:Path, page:str, below:str="") -> str:
    "The page of a notebook, as JSON; `below` is Markdown for a last cell."
    nb = json.loads(file.read_text(encoding="utf-8"))
    module = module_of(nb)
    cells = [cell for cell in nb["cells"] if not any(HIDDEN.match(line) for line in directives(cell))]
    cells = [page_cell(cell, site, file, page) for cell in cells]
    cells = [cell for cell in cells if cell["source"] or cell.get("outputs")]
    if module: cells[0]["source"] += "\n\n" + module_line(site, page, module)
    if below: cells.append(dict(cell_type="markdown", id="below", metadata={}, source=below))
    return json.dumps(dict(nb, cells=cells), ensure_ascii=False, indent=1)


def module_line(site:Site, page:str, module:str) -> str:
    "The sentence below a title that leads to the module's description."
    up = "../"*page.count("/")
    link = f"[`{site.library}.{module}`]({up}api/{module}.md)"
    text = f"Module {link}; cells with a green edge are its code, the others show and test it."
    return f":::{{container}} module-line\n{text}\n:::"
