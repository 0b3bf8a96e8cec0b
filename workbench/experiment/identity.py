"""What makes a method the method it was: the wording of its prompts, and its code.

Both are part of a run's identity, so that a researcher who edits a method and runs again gets new answers, not those
of the old code. Calls that the edited method makes as before come from the response cache and cost nothing.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import lru_cache
from types import ModuleType

from workbench import catalogue
from workbench import pipeline as protocol
from workbench.text import combined_hash


def prompts_hash(method: str) -> str:
    """Hash of the prompt constants of a method's module and of the method modules it takes anything from: a changed
    prompt is a changed run."""
    prompts: dict[str, str] = {}
    for module in (protocol, *_modules(method)):
        for name, value in vars(module).items():
            if isinstance(value, protocol.Prompt):
                prompts[value.name] = value.prompt_hash
            elif isinstance(value, str) and name.isupper():  # shared wording such as ANSWER_RULE
                prompts[f"{module.__name__}.{name}"] = value
    return combined_hash(*(part for item in sorted(prompts.items()) for part in item))


def code_hash(method: str) -> str:
    """Hash of the code of a method and of the method modules it takes anything from, without comments, docstrings and
    layout. A method that is no module of its own (one of a notebook's cells) is hashed by its class alone; a class
    whose source cannot be found gives the same hash for ever."""
    cls = catalogue.pipeline(method)
    sources = [_source(module) for module in _modules(method) if module.__name__ != "__main__"]
    if cls.__module__ == "__main__":
        sources.append(_source(cls))
    return combined_hash(*(_without_words(source) for source in sources))


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
    return [found[name] for name in sorted(found)]


def _source(of: ModuleType | type) -> str:
    try:
        return inspect.getsource(of)
    except (OSError, TypeError):
        return ""


@lru_cache(maxsize=256)
def _without_words(source: str) -> str:
    """A source as its syntax tree is written, without docstrings; as it stands where it cannot be parsed."""
    try:
        tree = ast.parse(inspect.cleandoc(source) if source[:1].isspace() else source)
    except SyntaxError:
        return source
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
