"""One page a module: every public function and class with a table of its arguments.

It is read from the source, so that types and defaults stand there as they were written and nothing is imported. The comments are
docments: the one on the line of an argument, else the lines of comment above it.
"""
import ast
import io
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Argument:
    "A line of a table."
    name: str
    type: str = ""
    default: str = ""
    comment: str = ""


@dataclass
class Module:
    "A module of the library, parsed."
    name: str # with `grafting_nb.`
    text: str
    tree: ast.Module
    comments: dict[int, str] # line -> comment

    @property
    def short(self) -> str:
        "The name without that of the library."
        return self.name.partition(".")[2]

    @property
    def public(self) -> list[str]: # in the order of the notebook
        "The names in `__all__`."
        named = (node for node in self.tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__")
        names = next((ast.literal_eval(node.value) for node in named), [])
        return [name for name in names if name in self.definitions]

    @property
    def definitions(self) -> dict[str, ast.AST]:
        "What the module defines at its top level."
        found = {}
        for node in self.tree.body:
            if isinstance(node, Function | ast.ClassDef) and not patched(node): found[node.name] = node
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets: found[ast.unparse(target)] = node
        return found

    def methods(self, name:str) -> list[Function]:
        "The public methods of a class, also those that are added to it further down."
        own = [node for node in self.definitions[name].body if isinstance(node, Function)]
        own += [node for node in self.tree.body if patched(node) == name]
        return [node for node in own if not node.name.startswith("_")]

    def comment(self, line:int, taken:set[int]) -> str:
        "The docment of an argument whose definition stands at a line; `taken` are the lines of arguments."
        if line in self.comments: return self.comments[line]
        found = []
        while line - 1 in self.comments and line - 1 not in taken:
            line -= 1
            found.insert(0, self.comments[line])
        return " ".join(found)

    def described(self, nodes:dict[str, tuple[ast.AST, ast.AST|None, ast.AST|None]]) -> list[Argument]:
        "Arguments from where they stand, their annotation and default; of several on a line the last has the comment."
        last = {node.lineno: name for name, (node, _, _) in nodes.items()}
        found = []
        for name, (node, type_, default) in nodes.items():
            comment = self.comment(node.lineno, set(last)) if last[node.lineno] == name else ""
            found.append(Argument(name, written(self.text, type_), written(self.text, default), comment))
        return found

    def arguments(self, function:Function) -> list[Argument]:
        "The arguments of a function, without `self`, and what it returns."
        args = function.args
        plain = [*args.posonlyargs, *args.args]
        defaults = [None]*(len(plain) - len(args.defaults)) + args.defaults
        nodes = {arg.arg: (arg, arg.annotation, default) for arg, default in zip(plain, defaults, strict=True)}
        if args.vararg: nodes["*" + args.vararg.arg] = (args.vararg, args.vararg.annotation, None)
        nodes |= {arg.arg: (arg, arg.annotation, default) for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)}
        if args.kwarg: nodes["**" + args.kwarg.arg] = (args.kwarg, args.kwarg.annotation, None)
        if function.returns: nodes["returns"] = (function.returns, function.returns, None)
        method = plain and plain[0].arg in ("self", "cls")
        return [argument for argument in self.described(nodes) if not (method and argument.name == plain[0].arg)]

    def fields(self, node:ast.ClassDef) -> list[Argument]:
        "The fields of a dataclass or named tuple."
        nodes = {field.target.id: (field, field.annotation, field.value) for field in node.body if isinstance(field, ast.AnnAssign)}
        return self.described(nodes)


def parse(file:Path, name:str) -> Module:
    "A module from its file."
    text = file.read_text(encoding="utf-8")
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = {token.start[0]: token.string.lstrip("# ").rstrip() for token in tokens if is_docment(token)}
    return Module(name, text, ast.parse(text), comments)


def is_docment(token:tokenize.TokenInfo) -> bool:
    "Whether a token is a comment that somebody wrote; nbdev marks the cells of an exported module with others."
    return token.type == tokenize.COMMENT and not token.string.startswith("# %%")


def patched(node:ast.AST) -> str|None:
    "The class that fastcore's `patch` adds a function to."
    if not isinstance(node, Function): return None
    if not any(re.match(r"patch\b", ast.unparse(decorator)) for decorator in node.decorator_list): return None
    return ast.unparse(node.args.args[0].annotation)


def written(text:str, node:ast.AST|None) -> str:
    "An expression as it was written, on one line."
    return re.sub(r"\s+", " ", ast.get_source_segment(text, node) or "") if node else ""


def is_record(node:ast.ClassDef) -> bool:
    "Whether the arguments of a class are its annotated fields."
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    return any(d.startswith("dataclass") for d in decorators) or "NamedTuple" in map(ast.unparse, node.bases)


def code(text:str) -> str:
    "Code in a cell of a Markdown table."
    return f"`{text}`".replace("|", r"\|") if text else ""


def prose(text:str) -> str:
    "A comment in a cell of a Markdown table; what is not code is taken literally."
    pieces = re.split(r"(`[^`]*`)", text)
    for i, piece in enumerate(pieces):
        pieces[i] = piece.replace("|", r"\|") if i % 2 else re.sub(r"([\\*_<>\[\]{}$|^~#])", r"\\\1", piece)
    return "".join(pieces)


def table(arguments:list[Argument]) -> str:
    "The table of arguments; columns that stay empty are left out."
    columns = {"argument": lambda a: f"**{a.name}**" if a.name == "returns" else code(a.name), "type": lambda a: code(a.type),
               "default": lambda a: code(a.default), "": lambda a: prose(a.comment)}
    rows = [[show(argument) for show in columns.values()] for argument in arguments]
    kept = [i for i in range(len(columns)) if any(row[i] for row in rows)]
    if not rows: return ""
    lines = [list(columns), ["---"]*len(columns), *rows]
    return "\n".join("| " + " | ".join(line[i] for i in kept) + " |" for line in lines)


def signature(arguments:list[Argument]) -> str:
    "The arguments as in a call; a long default stands in the table alone."
    def shown(argument):
        if not argument.default: return argument.name
        return f"{argument.name}={argument.default if len(argument.default) <= 24 else '...'}"
    return f"({', '.join(shown(argument) for argument in arguments if argument.name != 'returns')})"


def block(kind:str, title:str, *inside:str, depth:int=3) -> str:
    "A description for Sphinx's index and search."
    fence = ":"*depth
    return "\n\n".join([f"{fence}{{py:{kind}}} {title}", *filter(None, inside), fence])


def function_block(module:Module, node:Function, kind:str="function") -> str:
    "The description of a function, method or property."
    arguments = module.arguments(node)
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    is_property = any("property" in d or "as_prop=True" in d for d in decorators)
    if kind == "method" and is_property: return block("property", node.name, ast.get_docstring(node), table(arguments))
    return block(kind, node.name + signature(arguments), ast.get_docstring(node), table(arguments))


def class_block(module:Module, name:str) -> str:
    "The description of a class and its methods."
    node = module.definitions[name]
    start = next((entry for entry in node.body if isinstance(entry, Function) and entry.name == "__init__"), None)
    arguments = module.arguments(start) if start else []
    title = name + signature(arguments)
    if is_record(node): # the table says it better than a signature of twenty lines
        arguments = module.fields(node)
        title = name
    methods = [function_block(module, method, "method") for method in module.methods(name)]
    return block("class", title, ast.get_docstring(node), table(arguments), *methods, depth=4)


def value_block(module:Module, name:str) -> str:
    "The description of a constant: its comment, and its value if that is short."
    node = module.definitions[name]
    value = written(module.text, node.value)
    options = f"\n:value: {value}" if len(value) <= 60 else ""
    return block("data", name + options, prose(module.comments.get(node.lineno, "")))


def module_page(module:Module, lead:str, notebook:str) -> str:
    "The page of a module; `notebook` is a sentence that leads to it."
    parts = [f"# {module.short}", f"> {lead}" if lead else "", notebook, f"```{{py:module}} {module.name}\n```"]
    for name in module.public:
        node = module.definitions[name]
        if isinstance(node, Function): parts.append(function_block(module, node))
        elif isinstance(node, ast.ClassDef): parts.append(class_block(module, name))
        else: parts.append(value_block(module, name))
    return "\n\n".join(filter(None, parts)) + "\n"
