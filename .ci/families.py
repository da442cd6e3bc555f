"""Write data/transformers/sites.json anew: the sites of every transformer class, as one watched pass shows them.

    python .ci/families.py
"""
import json

from grafting_nb.core.files import atomic_path, project_root
from grafting_nb.core.machine import progress
from grafting_nb.grafting.families import editable_sites
from grafting_nb.models.tiny_transformers import tiny_inputs, tiny_transformer, transformer_classes


def entry(name):
    "The lines of a class, one for each of its sites."
    rows = [f"  {json.dumps(site)}" for site in editable_sites(tiny_transformer(name), tiny_inputs(name))]
    return f' "{name}": [' + "".join(f"\n{row}," for row in rows).removesuffix(",") + "]"


def main():
    "Write the file."
    lines = [entry(name) for name in progress(transformer_classes(), "watched")]
    with atomic_path(project_root()/"data"/"transformers"/"sites.json") as path:
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
