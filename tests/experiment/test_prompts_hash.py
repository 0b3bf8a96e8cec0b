from __future__ import annotations

import dataclasses

import pytest

import pipelines.bounds.full_context
import pipelines.graph._extraction
import pipelines.graph.hippo_rag
from workbench.experiment.identity import prompts_hash


@pytest.mark.parametrize(
    ("module", "prompt", "users", "strangers"),
    [
        (pipelines.graph.hippo_rag, "FILTER", ["hippo_rag", "como_rag"], ["chunk_rag", "raptor"]),
        (pipelines.graph._extraction, "GLEAN", ["light_rag", "graph_rag_communities"], ["hippo_rag"]),
        (pipelines.bounds.full_context, "READ", ["full_context", "self_route"], ["closed_book"]),
    ],
)
def test_a_changed_prompt_changes_all_methods_that_use_it_and_no_other(
    module: object, prompt: str, users: list[str], strangers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: prompts_hash(name) for name in (*users, *strangers)}
    changed = dataclasses.replace(getattr(module, prompt), user=getattr(module, prompt).user + " Please.")
    monkeypatch.setattr(module, prompt, changed)
    assert all(prompts_hash(name) != before[name] for name in users)
    assert all(prompts_hash(name) == before[name] for name in strangers)
