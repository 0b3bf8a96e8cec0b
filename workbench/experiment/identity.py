"""The identity of a method: the wording of its prompts, and its code.

Both are part of a run's identity, so that a researcher who edits a method and runs again gets new answers, not those
of the old code. Calls that the edited method makes as before come from the response cache and cost nothing. Where a
bundled method's file stands, and where the names that it imports from us live, is no part of it.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import lru_cache
from types import ModuleType

from workbench import catalogue
from workbench.experiment.identity_before import code_before, prompts_before
from workbench.method import prompts as shared
from workbench.text import combined_hash

_OURS = ("workbench", "pipelines")


def prompts_hash(method: str) -> str:
    """Hash of the prompt constants of a method's module and of the method modules it takes anything from: a changed
    prompt is a changed run."""
    prompts: dict[str, str] = {}
    for module in (shared, *_modules(method)):
        for name, value in vars(module).items():
            if isinstance(value, shared.Prompt):
                prompts[value.name] = value.prompt_hash
            elif isinstance(value, str) and name.isupper():  # shared wording such as ANSWER_RULE
                prompts[f"{_address(module)}.{name}"] = value
    return prompts_before(method, combined_hash(*(part for item in sorted(prompts.items()) for part in item)))


def code_hash(method: str) -> str:
    """Hash of the code of a method and of the method modules it takes anything from, without comments, docstrings and
    layout. A method that is no module of its own (one of a notebook's cells) is hashed by its class alone; where
    Python cannot find the source, the hash never changes."""
    cls = catalogue.pipeline(method)
    modules = [module for module in _modules(method) if module.__name__ != "__main__"]
    sources = [_canonical(_source(module), ours=module.__name__.startswith("pipelines.")) for module in modules]
    if cls.__module__ == "__main__":
        sources.append(_canonical(_source(cls), ours=False))
    return code_before(method, combined_hash(*sources))


def _address(module: ModuleType) -> str:
    """A module by the name that it has had from the beginning, whatever folder it stands in now."""
    if module is shared:
        return "workbench.pipeline"
    package, _, path = module.__name__.partition(".")
    return f"pipelines.{path.rpartition('.')[2]}" if package == "pipelines" else module.__name__


def _modules(method: str) -> list[ModuleType]:
    """The modules of a method's classes and, from there, every module of `pipelines` that one takes anything from; by
    name."""
    cls = catalogue.pipeline(method)
    found: dict[str, ModuleType] = {}
    waiting = [base.__module__ for base in cls.__mro__ if base.__module__ in sys.modules]
    while waiting:
        name = waiting.pop()
        if name in found or name == "builtins":
            continue
        found[name] = sys.modules[name]
        used = {str(getattr(value, "__module__", "")) for value in vars(found[name]).values()}
        waiting += sorted(u for u in used if u.startswith("pipelines.") and u in sys.modules)
    return sorted(found.values(), key=_address)


def _source(of: ModuleType | type) -> str:
    try:
        return inspect.getsource(of)
    except (OSError, TypeError):
        return ""


@lru_cache(maxsize=256)
def _canonical(source: str, *, ours: bool) -> str:
    """A source as its syntax tree is written, without docstrings; as it stands where it cannot be parsed. Of a bundled
    method, what it imports from us counts by name, not by the module that the name comes from."""
    try:
        tree = ast.parse(inspect.cleandoc(source) if source[:1].isspace() else source)
    except SyntaxError:
        return source
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            node.body = node.body[1:] or [ast.Pass()]
    names = _without_our_imports(tree) if ours else []
    return "\n".join([*names, ast.unparse(tree)])


def _without_our_imports(tree: ast.Module) -> list[str]:
    """Take the imports from our own packages out of a module; the names that they bring, sorted."""
    taken = [
        node
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in _OURS
    ]
    tree.body = [node for node in tree.body if node not in taken]
    return sorted(f"{name.name} as {name.asname or name.name}" for node in taken for name in node.names)
