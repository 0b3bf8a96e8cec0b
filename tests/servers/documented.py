"""docs/providers.md, made from the table of providers, the forms in which they are told, and the imitated wires."""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.servers.table import WIRES
from tests.servers.wire import ChatWire
from workbench.llm.known_providers import PROVIDERS, Provider
from workbench.llm.providers.prompt_caches import cache_of, wants_marks
from workbench.llm.providers.reasoning import Reasoning, forms

PAGE = Path(__file__).resolve().parents[2] / "docs" / "providers.md"
_WIDTH = 116
_FORMS = {
    "json_schema": "`response_format: json_schema`",
    "json_object_schema": "`json_object` with a schema beside it",
    "json_object": "`json_object`",
    "guided_json": "`guided_json`",
    "tool": "a tool's call",
}
_ASKED = (
    ("off", Reasoning(off=True)),
    ("{effort: low}", Reasoning(effort="low")),
    ("{tokens: 8192}", Reasoning(tokens=8_192)),
)
_INTRO = """\
# Providers

`models:` of an experiment names a provider, a model and, after an `@`, an address. This page says of every
provider how it is named, how it is told to think, where its thoughts come back, and what its replies tell.

**Tried on imitated wires, not on the live services.** No test of this project calls a provider.
`tests/servers/` imitates each provider's wire after its documentation and after public bug reports: it refuses
what the provider refuses, in its words, counts as it counts, and cuts where it cuts. A provider may have
changed since.

**What a server refuses is found out.** A request is made of parts. What a server objects to is left out or said
in another form, one part after the other, whatever its words; what it has taken once is not doubted again.
Every call that goes without something says so: `left_out` in the log, and a note in the comparison.

**Thinking** has room of its own: `reasoning: {effort: low}`, `{tokens: 8192}` or `off`. The limit of every call
is then what the method asks for and the reserve; a method's text does not get shorter. Efforts reserve
{RESERVES}. Without `reasoning:` nothing is said and nothing reserved, and a model that thinks by itself may
return nothing: the call then fails as `empty`, with the line to write. A form that a provider refuses is
followed by the next; the last one says nothing.

**Structured replies** are asked for in the first form that the provider takes: `response_format: json_schema`,
`json_object` with a schema beside it, `json_object`, then `guided_json` (vLLM, SGLang) or a tool's call, and
last the prompt alone. `json_schema: false` uses the prompt alone from the start.

**Windows** come from the file (`window:`), from the server, from the price list, or are assumed; `workbench
plan` says which.

Made by `tests/servers/documented.py`; `WRITE_DOCS=1 pytest tests/servers -k documented` rewrites it.
"""


def page() -> str:
    """The page as Markdown."""
    from workbench.llm.providers.reasoning import RESERVES

    shown = ", ".join(f"{name} {tokens:,}" for name, tokens in RESERVES.items())
    intro = "\n\n".join(_wrapped(part) for part in _INTRO.replace("{RESERVES}", f"{shown} tokens").split("\n\n"))
    sections = ["\n".join(_section(provider)) for provider in PROVIDERS.values()]
    return "\n".join([intro.rstrip(), "", *_overview(), "", *sections]).rstrip() + "\n"


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        " ".join(text.split()), _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _wires_of(provider: Provider) -> list[type[ChatWire]]:
    return [wire for wire in WIRES.values() if wire.provider == provider.name]


def _overview() -> Iterator[str]:
    yield "| provider | example | key | window from | thoughts come back | cached tokens | reasoning tokens | cost |"
    yield "|---|---|---|---|---|---|---|---|"
    for provider in PROVIDERS.values():
        wires = _wires_of(provider)
        key = f"`{provider.key_env}`" + ("" if provider.key_needed else " (if it wants one)")
        if not wires:
            yield f"| [{provider.name}](#{provider.name}) | `{provider.example}` | {key} | | | | | |"
            continue
        cells = [
            _each(wires, "told_window"),
            _thoughts(wires).replace("|", "\\|"),
            _each([wire for wire in wires if wire.tells_cached], "told_cached") or "not told",
            _each(wires, "told_reasoning") or "estimated",
            _each(wires, "told_cost") or "from prices",
        ]
        yield f"| [{provider.name}](#{provider.name}) | `{provider.example}` | {key} | {' | '.join(cells)} |"


def _each(wires: Sequence[type[ChatWire]], name: str) -> str:
    return "; ".join(dict.fromkeys(told for wire in wires if (told := getattr(wire, name))))


def _thoughts(wires: Sequence[type[ChatWire]]) -> str:
    return "; ".join(dict.fromkeys(wire.carrier.told for wire in wires if wire.thinks))


def _section(provider: Provider) -> Iterator[str]:
    wires = _wires_of(provider)
    yield f"## {provider.name}"
    yield ""
    key = f"key: `{provider.key_env}`" + ("" if provider.key_needed else ", if the server wants one")
    where = f"at {provider.base_url}" if provider.base_url else "at the address after `@`"
    variable = f", or in `{provider.address_env}`" if provider.address_env else ""
    note = f" {provider.note[0].upper()}{provider.note[1:]}." if provider.note else ""
    yield _item(f"Named `{provider.example}`, {where}{variable}; {key}.{note}")
    model = wires[0].model if wires else provider.example.partition("/")[2].partition("@")[0]
    if wires:
        yield from _of_wires(wires)
    yield _item(f"Prompt cache: {_cache(provider, model)}.")
    if not wires:
        yield _item("Tried on: nothing that imitates it; its requests and replies are read as OpenAI's.")
    yield ""
    yield "| `reasoning:` | what the request says |"
    yield "|---|---|"
    yield from _told(provider)
    yield ""


def _item(text: str) -> str:
    return _wrapped(f"- {text}", "  ")


def _told(provider: Provider) -> Iterator[str]:
    for written, reasoning in _ASKED:
        said = [json.dumps(form) for form in forms(provider.name, reasoning) if form]
        nothing = "nothing" if reasoning.off else "nothing; the tokens are kept free"
        yield f"| `{written}` | {', else '.join(f'`{form}`' for form in said) or nothing} |"


def _of_wires(wires: Sequence[type[ChatWire]]) -> Iterator[str]:
    several = len(wires) > 1
    yield _item(f"Thoughts come back: {_thoughts(wires)}.")
    if [wire for wire in wires if wire.thinks and not wire.can_stop_thinking]:
        yield _item("It has no switch to stop a model that thinks: leave room, or take another model.")
    for which, told in _grouped(wires, lambda wire: ", ".join(_FORMS[form] for form in wire.forms)):
        yield _item(f"Structured replies{which}: {told or 'it has no form for them; the prompt asks'}.")
    usage = [f"cached tokens {_each([wire], 'told_cached')}" for wire in wires if wire.tells_cached or wire.told_cached]
    reasoning = _each(wires, "told_reasoning") or "not told; estimated from the thoughts that it shows"
    cost = _each(wires, "told_cost") or "not told; reckoned by the price"
    yield _item(f"Its usage tells: {'; '.join(dict.fromkeys(usage))}; reasoning tokens {reasoning}; cost {cost}.")
    yield _item(f"Window: {_each(wires, 'told_window')}.")
    for which, refused in _grouped(wires, lambda wire: "; ".join(refused.what for refused in wire.refuses)):
        if refused:
            yield _item(f"Known to refuse{which}: {refused}.")
    odd = dict.fromkeys(odd for wire in wires for odd in wire.odd)
    if odd:
        yield _item(f"Odd: {'; '.join(odd)}.")
    shown = ", ".join(dict.fromkeys(f"`tests/servers/{_file(wire)}`" for wire in wires))
    names = "; ".join(f"`{wire.name}` ({_what(wire)})" for wire in wires)
    yield _item(f"Tried on: the imitated {'wires' if several else 'wire'} {names} in {shown}, not the live service.")


def _grouped(wires: Sequence[type[ChatWire]], told: Callable[[type[ChatWire]], str]) -> Iterator[tuple[str, str]]:
    """What is told of each wire, once where it is the same; and of which of them, where it is not."""
    by_told: dict[str, list[str]] = {}
    for wire in wires:
        by_told.setdefault(told(wire), []).append(f"`{wire.name}`")
    for text, names in by_told.items():
        yield (f" ({', '.join(names)})" if len(by_told) > 1 else ""), text


def _what(wire: type[ChatWire]) -> str:
    """What a wire imitates: the first sentence of its class."""
    said = (inspect.getdoc(wire) or wire.name).split(". ")[0].rstrip(".").replace("\n", " ")
    return said[0].lower() + said[1:] if said.split(" ")[0] in ("A", "The", "An", "Some") else said


def _file(wire: type[ChatWire]) -> str:
    return Path(inspect.getfile(wire)).name


def _cache(provider: Provider, model: str) -> str:
    cache: Any = cache_of(provider.name, model, None)
    if cache is not None and cache.marked:
        return (
            f"what is marked is kept, from {cache.least:,} tokens on (by model); `cache: {{ttl: 5m}}`, `1h` or `off`; "
            "writing costs extra"
        )
    marks = " (Claude's, behind it, is told by marks)" if wants_marks(provider.name, "claude") else ""
    named = ", helped by a `prompt_cache_key` for all prompts that begin alike" if provider.name in _NAMED else ""
    kept = f"steps of {cache.step:,} tokens from {cache.least:,} on" if cache is not None else ""
    where = f"kept without being told, where it keeps any; plans reckon with {kept}"
    return f"{where}{named}{marks}"


_NAMED = ("openai", "azure")
