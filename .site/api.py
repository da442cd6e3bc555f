"""One page a module: every public function and class with a table of its arguments.

It is read from the source, so that types and defaults stand there as they were written and nothing is imported. The
comments are docments: the one on the line of an argument, else the lines of comment above it.
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
        defined = self.definitions
        if "__all__" not in defined: return []
        return [name for name in ast.literal_eval(defined["__all__"].value) if name in defined]

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

    def summary(self, name:str) -> str:
        "The first line of a docstring."
        return (ast.get_docstring(self.definitions[name]) or "").partition("\n")[0]

    def methods(self, name:str) -> list[Function]:
        "The public methods of a class, also those that are added to it further down."
        own = [node for node in self.definitions[name].body if isinstance(node, Function)]
        own += [node for node in self.tree.body if patched(node) == name]
        return [node for node in own if not node.name.startswith("_")]

    def comment(self, line:int, stop:set[int]) -> str:
        "The docment of what stands at a line: beside it, or above it as far as the next line of `stop`."
        if line in self.comments: return self.comments[line]
        found = []
        while line - 1 in self.comments and line - 1 not in stop:
            line -= 1
            found.insert(0, self.comments[line])
        return " ".join(found)

    def described(self, start:int, parts:list[tuple]) -> list[Argument]: # (name, its node, type, default)
        "The arguments of a definition that starts at a line; of several on a line the last has the comment."
        last = {node.lineno: name for name, node, _, _ in parts}
        stop = {start - 1, *last}
        found = []
        for name, node, type_, default in parts:
            comment = self.comment(node.lineno, stop) if last[node.lineno] == name else ""
            found.append(Argument(name, written(self.text, type_), written(self.text, default), comment))
        return found

    def arguments(self, function:Function) -> list[Argument]:
        "The arguments of a function, without `self`, and what it returns."
        args = function.args
        plain = [*args.posonlyargs, *args.args]
        defaults = [None]*(len(plain) - len(args.defaults)) + args.defaults
        pairs = [(arg.arg, arg, default) for arg, default in zip(plain, defaults, strict=True)]
        if pairs and pairs[0][0] in ("self", "cls"): pairs = pairs[1:]
        if args.vararg: pairs.append((f"*{args.vararg.arg}", args.vararg, None))
        pairs += [(arg.arg, arg, default) for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
        if args.kwarg: pairs.append((f"**{args.kwarg.arg}", args.kwarg, None))
        parts = [(name, arg, arg.annotation, default) for name, arg, default in pairs]
        if function.returns: parts.append(("returns", function.returns, function.returns, None))
        return self.described(function.lineno, parts)

    def fields(self, node:ast.ClassDef) -> list[Argument]:
        "The fields of a dataclass or named tuple."
        fields = [field for field in node.body if isinstance(field, ast.AnnAssign)]
        return self.described(node.lineno, [(ast.unparse(f.target), f, f.annotation, f.value) for f in fields])


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
    if not arguments: return ""
    rows = [table_row(argument) for argument in arguments]
    kept = [i for i in range(4) if any(row[i] for row in rows)]
    lines = [("argument", "type", "default", ""), ("---",)*4, *rows]
    return "\n".join("| " + " | ".join(line[i] for i in kept) + " |" for line in lines)


def table_row(argument:Argument) -> tuple[str, str, str, str]:
    "An argument in Markdown: name, type, default, comment."
    name = "**returns**" if argument.name == "returns" else code(argument.name)
    return name, code(argument.type), code(argument.default), prose(argument.comment)


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
    quoted = value.replace("'", "''") # as YAML wants it
    options = f"\n:value: '{quoted}'" if len(value) <= 60 else ""
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
