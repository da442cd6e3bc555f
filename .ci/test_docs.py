"""The site in _docs as a reader meets it.

No link leads nowhere, and nothing is loaded from elsewhere. In a headless Chromium pages show text, figures and
formulas, also on a narrow screen and in the dark, and the search finds what it is asked for. Without Chromium (package
chromium of Debian and Ubuntu, which root installs here) only the links are checked, and the status is 77.
"""
import functools
import http.server
import sys
import threading
from contextlib import ExitStack
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

from browser import Browser, find_program, wait_for
from debian import install

root = Path(__file__).resolve().parent.parent
site = root/"_docs"/"html"

# What the browser is asked about a page
WORDS = r"document.querySelector('article').innerText.split(/\s+/).length"
UNDRAWN = "[...document.querySelectorAll('article img')].filter(i => i.naturalWidth < 50).map(i => i.src)"
BRIGHTNESS = r"getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0)"
BAD_FORMULAS = """[...document.querySelectorAll('article .math')].filter(
    m => !m.querySelector('svg') || m.querySelector('svg').getBoundingClientRect().width < 1
         || m.querySelector('[data-mjx-error]')).map(m => m.innerText)"""


class Page(HTMLParser):
    "The links, anchors and loaded files of a page."
    def __init__(self, file:Path):
        super().__init__()
        self.links, self.loaded, self.anchors = set(), set(), {""}
        self.math = False
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.anchors |= {attrs.get("id"), attrs.get("name")} - {None}
        if tag == "a" and attrs.get("href"): self.links.add(attrs["href"])
        if tag in ("script", "img", "iframe") and attrs.get("src"): self.loaded.add(attrs["src"])
        if tag == "link" and attrs.get("rel") in ("stylesheet", "icon", "preload"): self.loaded.add(attrs["href"])
        if "math" in (attrs.get("class") or "").split(): self.math = True


def check_links(pages:dict[Path, Page]) -> list[str]: # what is wrong
    "Every link inside the site leads to a page and a place on it, and whatever a page loads is part of the site."
    wrong = []
    for file, page in pages.items():
        name = file.relative_to(site)
        for address in page.links | page.loaded:
            if urlsplit(address).scheme or address.startswith("//"):
                if address in page.loaded and not address.startswith("data:"): wrong.append(f"{name} loads {address}")
                continue
            path, anchor = urldefrag(unquote(address))
            path = path.partition("?")[0]
            target = (file.parent/path).resolve() if path else file
            if not target.is_file(): wrong.append(f"{name}: no page {address}")
            elif target in pages and anchor not in pages[target].anchors: wrong.append(f"{name}: no place {address}")
    return wrong


def serve(stack:ExitStack) -> str: # its address
    "Serve the site on localhost until the stack ends."
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args): pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    stack.callback(server.server_close)
    stack.callback(server.shutdown)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def first(pattern:str) -> str: # its address below the site
    "The first notebook of nbs/ that fits a pattern."
    return sorted((root/"nbs").glob(pattern))[0].relative_to(root/"nbs").with_suffix(".html").as_posix()


def check_page(browser:Browser, name:str) -> list[str]: # what is wrong
    "A page has text, each of its figures is drawn, and it fits the screen; wide and narrow, light and dark."
    wrong = []
    for width, scheme in ((1440, "light"), (400, "dark")):
        browser.resize(width)
        browser.prefer(scheme)
        words = browser.run(WORDS)
        if words < 100: wrong.append(f"{name}: {words} words")
        empty = browser.run(UNDRAWN)
        wrong += [f"{name}: figure {address} is not drawn" for address in empty]
        wide = browser.run("document.documentElement.scrollWidth")
        if wide > width: wrong.append(f"{name}: {wide} pixels wide on a screen of {width}")
        light = browser.run(BRIGHTNESS)
        if (light > 384) != (scheme == "light"): wrong.append(f"{name}: brightness {light} where {scheme} is asked for")
    return wrong


def check_formulas(browser:Browser, name:str) -> list[str]: # what is wrong
    "Every formula became a picture, and none is an error text."
    found = browser.run(BAD_FORMULAS)
    return [f"{name}: formula {text!r} is not drawn" for text in found]


def check_search(browser:Browser, address:str, word:str, page:str) -> list[str]: # what is wrong
    "The search for a word finds a page."
    browser.open(f"{address}/search.html?q={word}")
    ask = "[...document.querySelectorAll('#search-results li a')].map(a => a.href.split('#')[0].split('?')[0])"
    try: wait_for(lambda: f"{address}/{page}" in browser.run(ask), "the search", 20)
    except TimeoutError: return [f"the search for {word} does not find {page}, but {browser.run(ask)[:5]}"]
    return []


def check_in_browser(pages:dict[Path, Page]) -> list[str]: # what is wrong
    "The pages that a newcomer opens, all formulas, and the search."
    wrong = []
    with ExitStack() as stack:
        address = serve(stack)
        browser = Browser(find_program(), stack)
        operator = first("**/*hyena.ipynb")
        shown = ["index.html", first("tutorials/*.ipynb"), first("experiments/**/hybrids.ipynb"), operator]
        for name in shown:
            browser.open(f"{address}/{name}")
            wrong += check_page(browser, name)
            if not browser.run("document.querySelectorAll('article img').length"): wrong.append(f"{name}: no figure")
        formulas = [file.relative_to(site).as_posix() for file, page in pages.items() if page.math]
        if operator not in formulas: wrong.append(f"{operator}: no formula")
        for name in formulas:
            browser.open(f"{address}/{name}")
            wrong += check_formulas(browser, name)
        wrong += check_search(browser, address, "Hyena", operator)
        wrong += browser.errors
    print(f"{len(shown)} pages looked at, formulas drawn on {len(formulas)}")
    return wrong


def main() -> int: # exit status
    pages = {file: Page(file) for file in sorted(site.rglob("*.html"))}
    if not pages: return print("no site: run make docs") or 1
    wrong = check_links(pages)
    print(f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links")
    if not wrong:
        if not find_program(): install(("chromium",), ("chromium",))
        wrong = check_in_browser(pages)
    for line in wrong: print("wrong:", line)
    return bool(wrong)


if __name__ == "__main__": sys.exit(main())
