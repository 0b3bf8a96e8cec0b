"""What a model entry of an experiment may say, checked, with secrets taken from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from workbench.errors import InputError, UnknownName
from workbench.llm.providers.prompt_caches import TTLS
from workbench.llm.providers.reasoning import Reasoning, reasoning_of
from workbench.llm.providers.refusals import looks_secret

# what the runner, the price list and the rate limits read from the same mapping
ELSEWHERE = frozenset({"price", "price_as", "gpu_hour", "concurrency"})
KNOWN = (
    *("window", "max_output_tokens", "tokenizer", "timeout", "token_timeout", "key_env", "json_schema", "rpm", "tpm"),
    *("first_token_target", "kv_tokens", "reasoning", "extra_body", "headers", "temperature", "top_p", "stream"),
    *("service_tier", "cache", "api_version"),
)
_POSITIVE = (
    *("window", "max_output_tokens", "timeout", "token_timeout", "rpm", "tpm", "first_token_target"),
    "kv_tokens",
)
# What we fill in ourselves. A method's limits and messages are not an option's to change.
_OURS = frozenset(
    {"model", "messages", "max_tokens", "max_completion_tokens", "stream_options", "n", "response_format"}
)
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_SECRET_HEADER = re.compile(r"authorization|api[-_]?key|token|secret|cookie", re.I)
_PARAMETER = re.compile(r"[A-Za-z][\w.-]*")


@dataclass(frozen=True)
class ModelOptions:
    """The checked options of a model behind a server. `passed` goes into every request as it stands: `service_tier` and
    what we do not know ourselves. `headers` hold secrets and are never shown; `secrets` are what is to be blotted
    out."""

    window: int | None = None
    max_output_tokens: int = 4_096
    tokenizer: str | None = None
    timeout: float = 900.0
    token_timeout: float = 300.0
    key_env: str | None = None
    json_schema: bool = True
    rpm: float | None = None
    tpm: float | None = None
    first_token_target: float | None = None
    kv_tokens: int | None = None
    reasoning: Reasoning | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    temperature: float | None = None
    top_p: float | None = None
    stream: bool = True
    cache_ttl: str | None = None
    api_version: str | None = None
    passed: Mapping[str, Any] = field(default_factory=dict)


def checked(options: Mapping[str, Any], spec: str) -> ModelOptions:
    """The options of a model entry. Raises InputError for a value of the wrong kind, and UnknownName for a name that is
    nearly one of ours; any other name is a parameter of the server's, and is passed on."""
    passed = {}
    for name, value in options.items():
        if name in KNOWN:
            check_number(name, value, spec)
        elif name in _OURS or not _PARAMETER.fullmatch(name):
            fix = "it is the workbench's to fill in; max_output_tokens bounds replies" if name in _OURS else None
            raise InputError(f"{spec}: {name} is no option", field="models", fix=fix)
        elif get_close_matches(name, [*KNOWN, *ELSEWHERE], n=1, cutoff=0.8):
            raise UnknownName(f"option of {spec}", name, [*KNOWN, *ELSEWHERE])
        else:
            passed[name] = value
    if options.get("service_tier") is not None:
        passed["service_tier"] = _typed(options, "service_tier", str, spec)
    _refuse_secrets(passed, spec)
    headers, secrets = _headers(options.get("headers"), spec)
    given = {name: options[name] for name in _POSITIVE if options.get(name) is not None}
    for name in ("window", "max_output_tokens", "kv_tokens"):
        if name in given:
            given[name] = int(given[name])
    return ModelOptions(
        **given,
        tokenizer=options.get("tokenizer"),
        key_env=options.get("key_env"),
        json_schema=_typed(options, "json_schema", bool, spec, True),
        reasoning=reasoning_of(options.get("reasoning"), spec),
        extra_body=_extra_body(options.get("extra_body"), spec),
        headers=headers,
        secrets=secrets,
        temperature=_between(options, "temperature", 0.0, 2.0, spec),
        top_p=_between(options, "top_p", 0.0, 1.0, spec),
        stream=_typed(options, "stream", bool, spec, True),
        cache_ttl=_ttl(options.get("cache"), spec),
        api_version=_typed(options, "api_version", str, spec),
        passed=passed,
    )


def check_number(name: str, value: Any, spec: str) -> None:
    """Raise InputError for an option that must be a number above 0 and is none."""
    if name in _POSITIVE and (not isinstance(value, int | float) or isinstance(value, bool) or not value > 0):
        raise InputError(f"{spec}: {name} is {value!r}", field="models", fix="give a number above 0")


def identity_of(options: ModelOptions) -> Mapping[str, Any]:
    """What of the options changes a reply, beside what each request holds anyway: part of what the response cache knows
    a model by. Empty for a model without such options."""
    told: dict[str, Any] = {**options.passed}
    if options.reasoning is not None:
        told["reasoning"] = [options.reasoning.effort, options.reasoning.tokens, options.reasoning.off]
    if options.extra_body:
        told["extra_body"] = options.extra_body
    if options.top_p is not None:
        told["top_p"] = options.top_p
    return told


def _typed(options: Mapping[str, Any], name: str, kind: type, spec: str, default: Any = None) -> Any:
    value = options.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        fix = "write true or false" if kind is bool else "write a text in quotes"
        raise InputError(f"{spec}: {name} is {value!r}", field="models", fix=fix)
    return value


def _between(options: Mapping[str, Any], name: str, low: float, high: float, spec: str) -> float | None:
    value = options.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError(f"{spec}: {name} is {value!r}", field="models", fix=f"give a number from {low:g} to {high:g}")
    return float(value)


def _ttl(value: Any, spec: str) -> str | None:
    """`cache: {ttl: 5m|1h|off}`; YAML reads `off` as false."""
    if value is None:
        return None
    ttl = value.get("ttl") if isinstance(value, Mapping) and value.keys() == {"ttl"} else value
    ttl = "off" if ttl is False else ttl
    if ttl not in (*TTLS, "off"):
        raise InputError(f"{spec}: cache is {value!r}", field="models", fix="write cache: {ttl: 5m}, 1h or off")
    return str(ttl)


def _extra_body(value: Any, spec: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{spec}: extra_body is {value!r}", field="models", fix="write a mapping of request fields")
    if taken := sorted(_OURS & value.keys()):
        raise InputError(
            f"{spec}: extra_body sets {taken[0]}", field="models", fix="the workbench fills that in itself"
        )
    _refuse_secrets(value, spec)
    return {str(name): item for name, item in value.items()}


def _refuse_secrets(value: Any, spec: str) -> None:
    """Raise InputError for what looks like a key: the options stand in the log."""
    if isinstance(value, str) and looks_secret(value):
        raise InputError(
            f"{spec}: an option holds what looks like a key", field="models", fix="use headers: {NAME: ${VARIABLE}}"
        )
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        _refuse_secrets(item, spec)


def _headers(value: Any, spec: str) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Headers with `${VARIABLE}` filled in from the environment, and what was filled in. A header that is for secrets
    takes nothing else."""
    if value is None:
        return {}, ()
    if not isinstance(value, Mapping):
        raise InputError(f"{spec}: headers is {value!r}", field="models", fix="write headers: {X-Title: my comparison}")
    filled, secrets = {}, []
    for name, text in value.items():
        said = str(text)
        if not _VARIABLE.search(said) and (_SECRET_HEADER.search(str(name)) or looks_secret(said)):
            raise InputError(
                f"{spec}: the header {name} holds its secret",
                field="models",
                fix=f"write {name}: ${{VARIABLE}} and set that",
            )
        for variable in _VARIABLE.findall(said):
            if variable not in os.environ:
                raise InputError(f"{spec}: the header {name} needs {variable}", field="models", fix=f"set {variable}")
            secrets.append(os.environ[variable])
        if "\n" in said or "\r" in said:
            raise InputError(f"{spec}: the header {name} has a line break", field="models", fix="write it on one line")
        filled[str(name)] = _VARIABLE.sub(lambda match: os.environ[match[1]], said)
    return filled, tuple(secrets)
