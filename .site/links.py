"""Links of notebooks and Markdown files, which are written as seen from their own folder in the repository.

On the site a link to a page stays one, a picture is copied beside it, a folder becomes its list of pages, and any
other file of the repository is an address on GitHub. A link to nothing is an error.
"""
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

CODE_OR_MATH = re.compile(r"(```.*?```|~~~.*?~~~|``[^`].*?``|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$)", re.S)
LINK = re.compile(r"""(\]\(|\b(?:src|href)=["'])([^)"'\s]+)([)"'\s])""")
ADDRESS = re.compile(r"[a-z]+:|#|/|mailto:")
PICTURES = {".png", ".svg", ".gif", ".jpg"}


@dataclass
class Site:
    "What the pages need to know of the project, and what has been found while making them."
    root: Path # of the repository
    git_url: str # of the repository, for files that are no pages
    library: str # its name
    names: dict[str, str] = field(default_factory=dict) # public name of the library -> its full name
    pages: dict[Path, str] = field(default_factory=dict) # notebook, file or folder -> page, as Sphinx names it
    pictures: set[Path] = field(default_factory=set) # of the repository, shown by a page
    broken: list[str] = field(default_factory=list) # links to nothing

    def target(self, link:str, file:Path, page:str) -> str:
        "Where a link in `file`, which becomes `page`, leads on the site."
        path, _, anchor = link.partition("#")
        found = Path(os.path.normpath(file.parent/path))
        anchor = f"#{anchor}" if anchor else ""
        if not found.exists() or not found.is_relative_to(self.root):
            self.broken.append(f"{file.relative_to(self.root)}: {link}")
            return link
        here = Path(page).parent
        if found in self.pages:
            suffix = ".ipynb" if found.suffix == ".ipynb" else ".md"
            return os.path.relpath(self.pages[found] + suffix, here) + anchor
        name = found.relative_to(self.root)
        if found.suffix in PICTURES:
            self.pictures.add(found)
            return os.path.relpath(name, here)
        return f"{self.git_url}/{'tree' if found.is_dir() else 'blob'}/main/{name.as_posix()}{anchor}"

    def relink(self, text:str, file:Path, page:str) -> str:
        "Markdown with the links of the site; in notebooks, names of the library lead to their description."
        def link(match):
            before, address, after = match.groups()
            if ADDRESS.match(address): return match[0]
            return before + self.target(address, file, page) + after

        pieces = CODE_OR_MATH.split(text)
        for i, piece in enumerate(pieces):
            if i % 2 == 0: pieces[i] = LINK.sub(link, piece)
        for i in range(1, len(pieces), 2):
            in_link_or_title = pieces[i - 1].endswith("[") or "#" in pieces[i - 1].rpartition("\n")[2][:6]
            if not in_link_or_title and file.suffix == ".ipynb": pieces[i] = self.described(pieces[i])
        return "".join(pieces)

    def described(self, code:str) -> str:
        "A piece of code; if it is a public name of the library, a reference to its description."
        name = code.strip("`").removesuffix("()")
        if not re.fullmatch(r"`[\w.]+(\(\))?`", code) or name not in self.names: return code
        return f"{{py:obj}}`{code.strip('`')} <{self.names[name]}>`"
