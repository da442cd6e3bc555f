"The page of what can be grafted: a line for each class of transformers, from the files that watching them has left."
import json
from collections.abc import Callable
from pathlib import Path

FOLDER = Path("data", "transformers")
TARGETS = {"self": "mha", "joint": "joint", "mlp": "mlp"} # kind of a site -> target of an edit
NEEDS = {"rope": "rotary tables", "mask": "a mask", "pattern": "a pattern of who sees whom", "table": "a table",
         "number": "a number"}
HOW_TO = "how_to/07_graft_the_model_you_use.ipynb"

LEAD = """# What can be grafted

> Every class of transformers that diffusers has: what an edit can replace in it, and what is refused."""

READING = """`mha` is attention in one sequence, `joint` attention of text and image, `mlp` the MLP of the image's
tokens; below each stand the list of blocks and the module in a block, and what it is given besides tokens.

An operator without queries and keys, such as `hyena_x` or `mamba2`, can use neither rotary tables nor patterns, tables
and numbers: its edit says `drop=["rope"]`, and so on. `swa` keeps rotary tables, and all operators read masks of
padding. An edit of `joint` says `stream="image"` or `stream="joint"`; *text first* and *image first* is how both lie in
one sequence.

From a pipeline to a saved graft: [graft the model you use]({how_to}). `grafting families` prints the same."""

GROUPS: dict[str, Callable[[list[dict]], bool]] = { # heading -> whether a class with these sites belongs there
    "Text and image in one attention": lambda sites: has(sites, "joint"),
    "One sequence, with rotary tables or masks": lambda sites: any(s["needs"] for s in sites if s["kind"] == "self"),
    "One sequence and nothing else": lambda sites: has(sites, "self"),
    "MLPs alone": lambda sites: bool(sites),
    "Nothing": lambda sites: not sites,
}


def has(sites:list[dict], kind:str) -> bool: return any(site["kind"] == kind for site in sites)


def group_of(sites:list[dict]) -> str: return next(title for title, belongs in GROUPS.items() if belongs(sites))


def place(site:dict) -> str:
    "A site, as a cell of the table has it."
    words = [NEEDS[need] for need in site["needs"]] + [site.get("order") or site.get("beside", "")]
    if site.get("fused"): words.append("one module with the MLP")
    told = ", ".join(word for word in words if word)
    return f"`{site['blocks']}` `{site['path']}`" + f"<br>{told}"*bool(told)


def cells(name:str, sites:list[dict]) -> list[str]:
    "A class: its name, and the places of each target."
    found = [f"`{name}`"]
    for kind in TARGETS:
        places = dict.fromkeys(place(site) for site in sites if site["kind"] == kind)
        found.append("<br>".join(places))
    return found


def table(lines:list[list[str]]) -> str: # Markdown
    "The classes of a group, without columns in which nothing stands."
    head = ["class", *(f"`{target}`" for target in TARGETS.values())]
    kept = [i for i in range(len(head)) if any(line[i] for line in lines)]
    rows = [[line[i] for i in kept] for line in (head, ["---"]*len(head), *lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def refusals(names:list[str], refused:dict[str, dict[str, str]]) -> list[str]: # Markdown
    "What is refused in the classes of a group, and why."
    found = [(name, way, why) for name in names for way, why in refused.get(name, {}).items()]
    lines = [f"- `{name}`{', ' + way if way else ''}: {why}" for name, way, why in found]
    return ["Refused:\n\n" + "\n".join(lines)] if lines else []


def families_page(root:Path) -> str: # Markdown
    "The whole page, classes grouped by their attention."
    sites, refused = (json.loads((root/FOLDER/name).read_text()) for name in ("sites.json", "refused.json"))
    groups = {title: [name for name in sorted(sites) if group_of(sites[name]) == title] for title in GROUPS}
    whole = sum(bool(found) for found in sites.values())
    parts = [LEAD, READING.format(how_to=HOW_TO), f"{whole} of {len(sites)} classes can be grafted."]
    for title, names in groups.items():
        if not names: continue
        lines = [cells(name, sites[name]) for name in names]
        parts += [f"## {title}: {len(names)}", table(lines), *refusals(names, refused)]
    return "\n\n".join(parts) + "\n"
