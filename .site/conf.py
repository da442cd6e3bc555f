"Sphinx's settings for the site; build.py makes the pages."
import importlib
from configparser import ConfigParser
from pathlib import Path

here = Path(__file__).resolve().parent
parser = ConfigParser(delimiters=["="])
parser.read(here.parent/"settings.ini", encoding="utf-8")
settings = parser["DEFAULT"]

project = settings["title"]
author = settings["author"]
copyright = settings["copyright"]
version = settings["version"]
release = version

extensions = ["myst_nb", "sphinx.ext.mathjax"]
nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show = "Imports" # only imports are folded away
nb_code_prompt_hide = "Imports"
nb_output_stderr = "remove"
nb_render_markdown_format = "myst"
nb_ipywidgets_js = {} # no notebook holds widgets, and their scripts would come from elsewhere
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 4
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 90
add_module_names = False

pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "github-dark"

html_theme = "furo"
html_title = project
html_baseurl = f"{settings['doc_host']}{settings['doc_baseurl']}/"
html_copy_source = False
html_favicon = "static/favicon.svg"
html_show_sphinx = False
mathjax = Path(importlib.import_module("sphinx-mathjax-offline").__file__).parent/"static"/"mathjax"/"tex-svg-full.js"
html_static_path = ["static", str(mathjax)]
html_css_files = ["site.css"]
mathjax_path = mathjax.name
html_theme_options = {
    "source_repository": settings["git_url"],
    "source_branch": settings["branch"],
    "source_directory": "nbs/",
}


def only_notebooks_have_sources(app, page, template, context, document):
    "The links to GitHub are those of notebooks; all other pages are made while the site is built."
    if context.get("page_source_suffix") != ".ipynb": context["page_source_suffix"] = ""


def setup(app):
    "Called by Sphinx."
    app.connect("html-page-context", only_notebooks_have_sources)
