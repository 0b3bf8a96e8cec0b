"""How long a reply may be is a field of its method: a file can raise it, and a list sweeps it."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from types import ModuleType

import pytest

from workbench.catalogue import pipelines

# Tokens that are no reply's.
OTHERS = {
    "como_rag.PROBE_TOKENS": "where one of the probes of a reply is cut",
    "semantic_compression.QUESTION_TOKENS": "kept free for the question",
}
CONSTANT = re.compile(r"_*[A-Z][A-Z0-9_]*")
SENDS = {"ask", "ask_many", "reply"}


def modules() -> dict[str, ModuleType]:
    """The modules of all methods and those of `pipelines` that they take anything from."""
    found: dict[str, ModuleType] = {}
    waiting = [method.__module__ for method in pipelines().values()]
    while waiting:
        name = waiting.pop()
        if name not in found and name in sys.modules:
            found[name] = sys.modules[name]
            used = {str(getattr(value, "__module__", "")) for value in vars(found[name]).values()}
            waiting += [other for other in used if other.startswith("pipelines.")]
    return found


def fixed_caps(source: str) -> list[str]:
    """The bounds of replies in a source that no field can change: numbers and constants of the module.

    Looks at what a call is given as `max_tokens`, at the room that is kept for a reply and at the note that is wanted,
    and where that is a name, at what the function gave it. 1 is allowed: a method that reads the probabilities of a
    first token asks for no more.
    """
    found: list[str] = []
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            given = _assigned(function)
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                for cap in _caps(call):
                    found += [f"{call.lineno}: {name}" for name in _fixed(cap, given, frozenset())]
    return sorted(set(found))


def constants(source: str) -> list[str]:
    """The names of a source's constants that count tokens."""
    names = [
        node.id
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    return [name for name in names if CONSTANT.fullmatch(name) and name.endswith("TOKENS")]


def _caps(call: ast.Call) -> list[ast.expr]:
    """The arguments of a call that bound a reply."""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    caps = [named["max_tokens"]] if name in SENDS and "max_tokens" in named else []
    caps += [named["reply_tokens"]] if "reply_tokens" in named else []
    return caps + (call.args[:1] if name == "note_room" else [])


def _assigned(function: ast.FunctionDef) -> dict[str, list[ast.expr]]:
    """All that a function assigns to its names."""
    given: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            pairs = [(target, node.value)]  # type: ignore[attr-defined]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):  # type: ignore[attr-defined]
                pairs = list(zip(target.elts, node.value.elts, strict=True))  # type: ignore[attr-defined]
            for name, value in pairs:
                if isinstance(name, ast.Name):
                    given.setdefault(name.id, []).append(value)
    return given


def _fixed(cap: ast.expr, given: dict[str, list[ast.expr]], seen: frozenset[str]) -> list[str]:
    """The numbers and constants by which an expression is bounded. A factor bounds nothing by itself, and neither does
    a lower bound (`max`) or a share of the window."""
    inner: list[ast.expr] = []
    if isinstance(cap, ast.Constant):
        return [str(cap.value)] if isinstance(cap.value, int) and cap.value not in (0, 1) else []
    if isinstance(cap, ast.Name):
        if CONSTANT.fullmatch(cap.id):
            return [cap.id]
        inner = given.get(cap.id, []) if cap.id not in seen else []
        seen |= {cap.id}
    elif isinstance(cap, ast.IfExp):
        inner = [cap.body, cap.orelse]
    elif isinstance(cap, ast.BinOp):
        sides = [cap.left, cap.right]
        inner = sides if isinstance(cap.op, ast.Add) else [s for s in sides if not isinstance(s, ast.Constant)]
    elif isinstance(cap, ast.Call) and isinstance(cap.func, ast.Name) and cap.func.id in ("min", "max"):
        inner = [arg for arg in cap.args if cap.func.id == "min" or not isinstance(arg, ast.Constant)]
    return [name for part in inner for name in _fixed(part, given, seen)]


@pytest.mark.parametrize("name", sorted(modules()))
def test_how_long_a_reply_may_be_is_a_field(name: str) -> None:
    source = inspect.getsource(modules()[name])
    short = name.rpartition(".")[2]
    assert fixed_caps(source) == []
    assert [constant for constant in constants(source) if f"{short}.{constant}" not in OTHERS] == []


@pytest.mark.parametrize(
    ("body", "caps"),
    [
        ("bench.ask_many(prompts, step='filter', max_tokens=LABEL_TOKENS, schema=Label)", ["LABEL_TOKENS"]),
        ("bench.ask(prompt, step='grade', max_tokens=8)", ["8"]),
        ("bench.reply(prompt, step='read', max_tokens=300)", ["300"]),
        ("tokens = bench.answer_tokens + _EVIDENCE; bench.ask(prompt, step='read', max_tokens=tokens)", ["_EVIDENCE"]),
        ("tokens, room = min(CAP, bench.window // 8), 5; bench.ask(prompt, step='t', max_tokens=tokens)", ["CAP"]),
        ("a = min(self.many if self.form else 128, bench.window // 4); bench.ask(p, step='r', max_tokens=a)", ["128"]),
        ("tokens = note_room(1_024, frame, bench)", ["1024"]),
        ("room_for(frame, bench, reply_tokens=max(tokens, REPLY))", ["REPLY"]),
        ("merged(graph, reply_tokens=500)", ["500"]),
        ("bench.ask_many(prompts, step='judge', max_tokens=1, top_logprobs=5)", []),
        ("bench.ask(prompt, step='filter', max_tokens=self.label_tokens)", []),
        ("room_for(frame, bench, reply_tokens=0); bench.ask(prompt, step='start', max_tokens=2 * tokens)", []),
        ("tokens = note_room(max(32, self.pack_tokens // self.ratio), frame, bench)", []),
        ("tokens = tokens + 2 * tokens; bench.ask(prompt, step='s', max_tokens=tokens)", []),
    ],
)
def test_what_counts_as_fixed(body: str, caps: list[str]) -> None:
    source = f"def answer(self, bench):\n    {body}\n"
    assert [found.partition(": ")[2] for found in fixed_caps(source)] == caps


def test_constants_that_count_tokens_are_found() -> None:
    source = (
        'REPLY_TOKENS = 400\nAIM, PROBE_TOKENS = "on", 64\n_CAP_TOKENS: int = 5\nLAYERS = ("Text",)\nTokens = int\n'
    )
    assert constants(source) == ["REPLY_TOKENS", "PROBE_TOKENS", "_CAP_TOKENS"]


def test_exceptions_exist() -> None:
    held = {f"{name.rpartition('.')[2]}.{c}" for name, m in modules().items() for c in constants(inspect.getsource(m))}
    assert set(OTHERS) == held
