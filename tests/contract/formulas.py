"""The closed formulas of every method's calls, on texts whose parts are counted here and not by the method.

A formula says, for one question about one text, how many calls the index stage and the query stage make and how many
of them stand in sequence. The numbers of parts (n, m) come from the published budgets (window minus prompt minus
reply), so a method that reads a part twice, skips one or cuts them at another size contradicts its formula. Replies are
scripted, so that rounds, wrong turns and collapses are known as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from math import ceil
from typing import Any

from pipelines.agents import (
    chain_of_agents,
    chain_of_agents_hierarchical,
    chain_of_agents_merge,
    graph_reader,
    mem_agent,
    prism,
)
from pipelines.agents.como_rag import window_width
from pipelines.compression.semantic_compression import topics
from pipelines.divide import (
    llm_map_reduce,
    map_reduce,
    overflow_prevention,
    recursive_summary,
    refine,
    segment_plus,
    xl3m,
)
from pipelines.prompting import structurise
from pipelines.retrieval.raptor import Raptor
from tests.pipelines.conftest import make_context, make_rig, story
from workbench.engine.bench import ExperimentBench
from workbench.method.fitting import SEAM, labelled
from workbench.method.prompts import Messages
from workbench.records import Context

WINDOW, ANSWER_TOKENS = 8_192, 64
SIZES = (300, 1_700)  # sentences: about half of the window, and about 2.7 windows
QUESTION = "How many sheep does Person 3 keep?"
Calls = tuple[int, int]  # calls, and calls in the longest chain


@dataclass
class Text:
    """A context, a bench on it, and what a method's index stage left."""

    context: Context
    bench: ExperimentBench
    state: Any = None

    @classmethod
    def of(cls, sentences: int) -> Text:
        context = make_context(story(sentences))
        return cls(context, make_rig(context, "", window=WINDOW, answer_tokens=ANSWER_TOKENS).bench)

    def room(self, prompt: Messages, reply: int, *, window: int = WINDOW, schema: type | None = None) -> int:
        """Tokens of text that a prompt has room for beside its reply (and what else `reply` counts)."""
        return self.bench.room(prompt, reply_tokens=reply, schema=schema) - SEAM - (WINDOW - min(window, WINDOW))

    def parts(self, room: int, *, overlap: int = 0) -> int:
        """Parts of at most `room` tokens: at least T / room of them, at most as many as whole sentences ask for."""
        parts = self.bench.split(room=room, overlap=overlap)
        tokens = self.bench.count(self.context.documents[0].text)
        if not overlap:
            assert tokens / room <= len(parts) <= tokens / max(1, room - 32) + 1
        return len(parts)

    def chunks(self, tokens: int, overlap: int = 0, splitter: str = "sentence") -> int:
        return len(self.bench.index(chunk_tokens=tokens, overlap=overlap, splitter=splitter).chunks)

    def fitting(self, item: str, room: int) -> int:
        """How many equal notes fit a prompt's room under their numbers."""
        number = 1
        while self.bench.count(labelled([item] * (number + 1))) <= room:
            number += 1
        return number


Count = Callable[[Text], Calls]


def fixed(calls: int, depth: int | None = None) -> Count:
    return lambda text: (calls, calls if depth is None else depth)


def serial(parts: Callable[[Text], int], last: int = 1) -> Count:
    """One call a part, each waiting for the one before, and a last one."""
    return lambda text: (parts(text) + last, parts(text) + last)


def parallel(parts: Callable[[Text], int], last: int = 1) -> Count:
    """One call a part, side by side, and a last one."""
    return lambda text: (parts(text) + last, (1 if parts(text) else 0) + last)


NONE, ONE, TWO = fixed(0), fixed(1), fixed(2)


@dataclass(frozen=True)
class Case:
    """A method with options, the replies it gets, and its formulas for both stages."""

    replies: Any = "21"
    index: Count = NONE
    query: Count = ONE
    options: Mapping[str, Any] = field(default_factory=dict)
    package: bool = False  # runs the llmlingua package


def first_person(prompt: str) -> str:
    found = re.search(r"Person (\d+)", prompt)
    return found.group(1) if found else "0"


def as_json(made: Callable[[str], object]) -> Callable[[str], str]:
    return lambda prompt: json.dumps(made(prompt))


def words(number: int) -> str:
    return " ".join(["sheep"] * number)


# chains of agents


def chain_parts(text: Text) -> int:
    frame = chain_of_agents.WORKER(chunk="", note="(nothing yet)", question=QUESTION)
    return text.parts(text.room(frame, 2 * 1_024))


def hierarchical_parts(text: Text) -> int:
    frame = chain_of_agents_hierarchical.WORKER(chunk="", question=QUESTION)
    return text.parts(text.room(frame, 1_024, schema=chain_of_agents_hierarchical.Judged))


def merge_parts(text: Text) -> int:
    return text.parts(text.room(chain_of_agents_merge.WORKER(chunk="", question=QUESTION), ANSWER_TOKENS))


def refine_parts(text: Text) -> int:
    return text.parts(text.room(refine.NEXT(chunk="", answer="", question=QUESTION), 2 * ANSWER_TOKENS))


def mem_agent_parts(text: Text) -> int:
    frame = mem_agent.UPDATE(chunk="", memory=mem_agent.NO_MEMORY, question=QUESTION)
    return text.parts(min(5_000, text.room(frame, 2 * 1_024)))


def prism_parts(text: Text) -> int:
    schema = "\n".join(f"{root}: {meaning}" for root, (_, meaning) in prism.SCHEMA.items())
    frame = prism.READING(question=QUESTION, schema=schema, memory="", chunk="")
    return text.parts(min(2_000, text.room(frame, 1_536 + 512, schema=prism.Revisions)))


# map, fold, reduce


def folded(text: Text, items: int, note: str, *, last: int, between: int) -> tuple[int, int]:
    """Calls and levels that fold equal notes until they fit the last prompt."""
    calls = levels = 0
    while items > 1 and text.bench.count(labelled([note] * items)) > last:
        items = ceil(items / text.fitting(note, between))
        calls, levels = calls + items, levels + 1
    return calls, levels


MAP_NOTE = words(270)
MAPPED = json.dumps({"extracted_information": words(200), "rationale": "r", "answer": "21", "confidence": 5})
MAPPED_NOTE = f"Extracted information: {words(200)}\nRationale: r\nAnswer: 21\nConfidence: 5 of 5"
LONG_MAPPED, LONG_MAPPED_NOTE = (made.replace(words(200), words(400)) for made in (MAPPED, MAPPED_NOTE))
GATHERED = json.dumps({"evidence": words(400), "reasoning": "r"})
GATHERED_NOTE = f"Evidence: {words(400)}\nReasoning: r"


def mapping(text: Text, *, chunk: int = 4_096) -> Calls:
    n = text.parts(text.room(map_reduce.MAP(chunk="", question=QUESTION), 300, window=chunk))
    between = text.room(map_reduce.COLLAPSE(notes="", question=QUESTION), 300)
    last = min(between, text.room(map_reduce.REDUCE(notes="", question=QUESTION), ANSWER_TOKENS))
    calls, levels = folded(text, n, MAP_NOTE, last=last, between=between)
    return n + calls + 1, 2 + levels


def structured_mapping(text: Text, *, chunk: int = 4_096, reply: int = 300, note: str = MAPPED_NOTE) -> Calls:
    method = llm_map_reduce
    n = text.parts(text.room(method.MAP(chunk="", question=QUESTION), reply, window=chunk, schema=method.Note))
    frame = method.COLLAPSE(notes="", question=QUESTION)
    between = text.room(frame, reply, window=chunk, schema=method.Note)
    last = text.room(method.REDUCE(notes="", question=QUESTION), ANSWER_TOKENS)
    calls, levels = folded(text, n, note, last=min(last, between), between=between)
    return n + calls + 1, 2 + levels


def segments(text: Text, *, segment: int = 3_000) -> Calls:
    method = segment_plus
    n = text.parts(min(segment, text.room(method.GATHER(chunk="", question=QUESTION), 512, schema=method.Note)))
    between = text.room(method.MERGE(notes="", question=QUESTION), 512, schema=method.Note)
    last = text.room(method.READ(notes="", question=QUESTION), ANSWER_TOKENS)
    calls, levels = folded(text, n, GATHERED_NOTE, last=last, between=between)
    return 2 * n + calls + 1, 3 + levels


def summaries(text: Text) -> Calls:
    """n summaries, then merges of as many as fit until one is left."""
    summary = words(690)
    room = text.room(recursive_summary.MERGE(summaries="", words=0), 900)
    left = n = text.parts(min(2_048, room - SEAM))
    merges = levels = 0
    while left > 1:
        left = ceil(left / text.fitting(summary, room))
        merges, levels = merges + left, levels + 1
    return n + merges, 1 + levels


def first_token_parts(text: Text) -> int:
    room = min(
        text.room(overflow_prevention.TRY(chunk="", question=QUESTION), 1),
        text.room(overflow_prevention.READ(chunk="", question=QUESTION), ANSWER_TOKENS),
    )
    return text.parts(min(3_000, room))


def judged_segments(text: Text) -> int:
    return text.parts(min(1_000, text.room(xl3m.READ(chunk="", question=QUESTION), ANSWER_TOKENS)), overlap=200)


# walks and talks


def members(text: Text) -> int:
    return text.parts(1_500)


def tree_sizes(text: Text) -> list[int]:
    """MemWalker's levels, leaves first: segments of 1,000 tokens, eight children a node."""
    sizes = [text.parts(1_000)]
    while sizes[-1] > 1:
        sizes.append(ceil(sizes[-1] / 8))
    return sizes


def walk(text: Text, *, wrong: int = 0) -> Calls:
    """A triage on every level above the leaves, the leaf, and two calls for each leaf that says no."""
    calls = len(tree_sizes(text)) - 1 + 1 + 2 * wrong
    return calls, calls


# graphs and trees over the index's chunks


def said_by(prompt: str) -> dict[str, object]:
    """Four persons of a chunk, who know each other, and Alba, whom every chunk tells something else of."""
    named = list(dict.fromkeys(re.findall(r"Person \d+", prompt)))[:4]
    told = {"Alba": f"a friend of {named[0]}"}
    return {
        "entities": [
            {"name": name, "type": "person", "description": told.get(name, "a shepherd")} for name in [*named, "Alba"]
        ],
        "relations": [
            {"subject": one, "relation": "knows", "object": other, "strength": 1 if other == "Alba" else 9}
            for one, other in combinations([*named, "Alba"], 2)
            if other != "Alba" or one == named[0]
        ],
    }


EXTRACTED = {"extract": as_json(said_by), "glean": '{"entities": [], "relations": []}', "merge": "A friend of all."}
REPORTED = '{"title": "T", "summary": "S", "rating": 5, "findings": []}'
NAMED = {
    "names": as_json(lambda prompt: {"entities": [f"Person {first_person(prompt)}"]}),
    "triples": as_json(
        lambda prompt: {
            "triples": [{"subject": f"Person {first_person(prompt)}", "relation": "knows", "object": "Alba"}]
        }
    ),
    "filter": '{"facts": []}',
}


def communities(text: Text) -> Calls:
    m, reports = text.chunks(1_200, 100), text.state.reports
    levels = {report.community.level for report in reports}
    assert len(reports) > 2
    return 2 * m + 1 + len(reports), 3 + len(levels)  # Alba alone has several descriptions


def report_batches(text: Text) -> Calls:
    """The deepest communities' reports, all of one length, in prompts of 20 tokens; then the reduction."""
    parents = {report.community.parent for report in text.state.reports}
    deepest = [report for report in text.state.reports if report.community.number not in parents]
    assert {report.text for report in deepest} == {"T\nS"}
    a_batch = 1
    while text.bench.count("\n\n".join(["T\nS"] * (a_batch + 1))) <= 20:
        a_batch += 1
    return ceil(len(deepest) / a_batch) + 1, 2


def light_index(text: Text) -> Calls:
    m = text.chunks(1_200, 100)
    merged = int(m >= 8)  # Alba's descriptions
    return 2 * m + merged, 2 + merged


def raptor_tree(text: Text) -> Calls:
    """The nodes over the leaves, and the layers that they form."""
    tree = text.state
    assert len(tree.layers[0]) == text.chunks(100, splitter="packed")
    inner = [node for node in tree.nodes if node.children]
    assert len(inner) == sum(map(len, tree.layers[1:]))
    return len(inner), len(tree.layers) - 1


def themes(text: Text) -> tuple[int, int]:
    """Clusters and layers of RAPTOR over ComoRAG's chunks."""
    bench = make_rig(text.context, "sheep", window=WINDOW, phase="build").bench
    tree = Raptor(leaf_tokens=512, summary_tokens=300).build(text.context, bench)
    return sum(bool(node.children) for node in tree.nodes), len(tree.layers) - 1


def timelines(text: Text) -> int:
    """Windows of w chunks; a last one of a single chunk tells nothing."""
    n = text.chunks(512)
    width = window_width(n)
    return ceil(n / width) - int(n % width == 1)


def como_index(text: Text) -> Calls:
    clusters, layers = themes(text)
    return 2 * text.chunks(512) + timelines(text) + clusters, max(2, layers)


def como_query(text: Text, *, tries: int) -> Calls:
    """A search is one filter and a cue per layer that holds something; a round is a probe, its searches, a fusion."""
    search = 1 + 1 + bool(themes(text)[0]) + bool(timelines(text))
    failed = tries - 1
    return search + tries + failed * (2 + 3 * search), 3 + 5 * failed


def windows_to_rank(text: Text) -> Calls:
    n = min(100, text.chunks(128))
    calls = ceil(max(0, n - 20) / 10) + 2
    return calls, calls


def records(text: Text) -> Calls:
    drawn = min(30, text.chunks(256, 32))
    return 2 * drawn, 1 + drawn


def outlines(text: Text) -> int:
    room = text.room(structurise.OUTLINE(numbered=""), 512, schema=structurise.Outline)
    return text.parts(min(2_048, room * 2 // 3))


def compressions(text: Text) -> Calls:
    """Topics of blocks packed to 512 tokens each, when the text is over the window; the summaries then fit."""
    blocks = [part.text for part in text.bench.split(room=128)]
    if text.bench.count("\n".join(blocks)) < WINDOW - 1_024:
        return 0, 0
    packs = 0
    for topic in topics(text.bench.embed(blocks), 5):
        held: list[str] = []
        for i in topic:
            if held and text.bench.count("\n".join([*held, blocks[i]])) > 512:
                packs, held = packs + 1, []
            held.append(blocks[i])
        packs += 1
    return packs, 1


def fact_chunks(text: Text) -> int:
    return text.chunks(graph_reader_chunk(text), splitter="paragraphs")


def many_elements(prompt: str) -> dict[str, object]:
    """Two hundred elements a chunk, about eight tokens each, so that a long text has more of them than fit."""
    who = first_person(prompt)
    elements = [f"Person {who} and a sheep of colour {number}" for number in range(200)]
    return {"facts": [{"fact": "F", "key_elements": [f"Person {who}", "Alba", *elements]}]}


def element_batches(text: Text, plan: str = "p") -> int:
    """Prompts that hold all elements, filled one after the other."""
    frame = graph_reader.START(elements="", plan=plan, question=QUESTION)
    room = text.room(frame, 2 * 300, schema=graph_reader.Candidates)
    batches, held = 1, ""
    for element in text.state.graph.elements:
        longer = f"{held}\n{element}" if held else element
        batches, held = (batches, longer) if text.bench.count(longer) <= room else (batches + 1, element)
    return batches


def graph_reader_chunk(text: Text) -> int:
    frame = graph_reader.FACTS(chunk="")
    return min(2_000, text.room(frame, 1_024, window=4_096, schema=graph_reader.AtomicFacts))


def passages(text: Text) -> int:
    return sum(len(part.chunks) for part in text.bench.split(room=300))


EXAMPLE = as_json(lambda prompt: {"question": f"Where does Person {first_person(prompt)} live?", "answer": "there"})
YES, NO = (json.dumps({"found": found, "reasoning": "", "answer": "21" if found else ""}) for found in (True, False))
DECIDED, IN_CONFLICT = (
    json.dumps({"action": action, "answer": "21" if action == "answer" else "", "members": [1, 2]})
    for action in ("answer", "conflict")
)
PROBES = [
    json.dumps({"probes": [f"Which sheep does Alba know, {10 * turn + i}?" for i in range(3)]}) for turn in range(5)
]
COMO = {**NAMED, "summarise": "sheep", "timeline": "sheep", "cue": "sheep", "fuse": "sheep", "probe": PROBES}
FACTS_READ = json.dumps({"notebook": "n", "action": "read_chunk", "chunks": [0]})
CHUNK_READ = json.dumps({"notebook": "n", "action": "search_more"})
AGENTS = {
    "facts": as_json(
        lambda prompt: {"facts": [{"fact": "F", "key_elements": [f"Person {first_person(prompt)}", "Alba"]}]}
    ),
    "plan": "p",
    "start": as_json(lambda prompt: {"nodes": [{"node": "Person 0", "score": 9}, {"node": "Alba", "score": 8}]}),
    "read_facts": FACTS_READ,
    "read_chunk": CHUNK_READ,
    "neighbours": json.dumps({"action": "termination"}),
    "answer": "21",
}
MEM_WALK = {"leaf_summary": "s", "node_summary": "s", "triage": '{"reasoning": "", "action": 1}'}
PICKS = '{"numbers": [1]}'


class Cases(dict[str, Case]):
    """Every method's cases: its name alone for the defaults, `name:field=value`, or its name and further words."""

    def __missing__(self, name: str) -> Case:
        raise KeyError(f"{name} has no formula yet: add a Case to CASES in tests/contract/formulas.py")


CASES = Cases(
    {
        "chain_of_agents": Case(query=serial(chain_parts)),
        "chain_of_agents:manager=False": Case(query=serial(chain_parts, 0), options={"manager": False}),
        "chain_of_agents_hierarchical": Case('{"useful": true, "summary": "s"}', query=parallel(hierarchical_parts)),
        "chain_of_agents_merge": Case(query=parallel(merge_parts, 0)),
        "chain_of_agents_multi_path": Case(query=lambda text: (5 * chain_parts(text) + 1, chain_parts(text) + 1)),
        "chain_of_agents_multi_path:decide=vote": Case(
            query=lambda text: (5 * (chain_parts(text) + 1), chain_parts(text) + 1), options={"decide": "vote"}
        ),
        "chunk_rag": Case(),
        "closed_book": Case(),
        "como_rag": Case({**COMO, "try": "21"}, index=como_index, query=partial(como_query, tries=1)),
        "como_rag after two tries that fail": Case(
            {**COMO, "try": ["unanswerable", "unanswerable", "21"]},
            index=como_index,
            query=partial(como_query, tries=3),
        ),
        "como_rag to its limit": Case(
            {**COMO, "try": "unanswerable"}, index=como_index, query=partial(como_query, tries=6)
        ),
        "contextual_retrieval": Case(index=parallel(lambda text: text.chunks(800), 0)),
        "double_dipper": Case({"generate": EXAMPLE, "read": "21"}, query=fixed(3 + 1, 2)),
        "double_dipper:examples=0": Case(options={"examples": 0}),
        "extractive_compression": Case(),
        "extractive_compression:scorer=model": Case(
            {"pick": PICKS, "read": "21"}, query=fixed(5 + 1, 2), options={"scorer": "model"}
        ),
        "full_context": Case(),
        "graph_of_records": Case(
            {"simulate": lambda prompt: f"Where is Person {first_person(prompt)}?", "record": "sheep", "read": "21"},
            index=records,
        ),
        "graph_rag": Case(),
        "graph_rag:extraction=llm": Case(
            {"extract": NAMED["triples"], "read": "21"},
            index=parallel(lambda text: text.chunks(512, 64), 0),
            options={"extraction": "llm"},
        ),
        "graph_rag_communities": Case({**EXTRACTED, "report": REPORTED, "read": "21"}, index=communities),
        "graph_rag_communities:search=global": Case(
            {
                **EXTRACTED,
                "report": REPORTED,
                "map": '{"points": [{"description": "d", "score": 9}]}',
                "reduce": "21",
            },
            index=communities,
            query=TWO,  # all reports together fit one batch
            options={"search": "global"},
        ),
        "graph_rag_communities:search=global in batches": Case(
            {**EXTRACTED, "report": REPORTED, "map": '{"points": [{"description": "d", "score": 9}]}', "reduce": "21"},
            index=communities,
            query=report_batches,
            options={"search": "global", "budget_tokens": 20},
        ),
        # two paths, each: facts, one chunk, neighbours; all key elements fit one prompt
        "graph_reader": Case(AGENTS, index=parallel(fact_chunks, 0), query=fixed(2 + 1 + 3 + 3, 3 + 3)),
        "graph_reader with many key elements": Case(
            {**AGENTS, "facts": as_json(many_elements)},
            index=parallel(fact_chunks, 0),
            query=lambda text: (2 + element_batches(text) + 3 + 3, 3 + 3),
        ),
        "hippo_rag": Case({**NAMED, "read": "21"}, index=lambda text: (2 * text.chunks(512), 2), query=TWO),
        "in_context_retrieval": Case(),
        "lara_rag": Case(),
        "light_rag": Case(
            {
                **EXTRACTED,
                "keywords": '{"high_level_keywords": ["sheep"], "low_level_keywords": ["Alba"]}',
                "read": "21",
            },
            index=light_index,
            query=TWO,
        ),
        "light_rag:mode=naive": Case(options={"mode": "naive"}),
        "listwise_ranking": Case("[2] > [1]", query=windows_to_rank),
        "listwise_ranking:form=full": Case("[2] > [1]", query=TWO, options={"form": "full"}),
        "llm_lingua2": Case(package=True),
        "llm_map_reduce": Case({"map": MAPPED, "collapse": MAPPED, "reduce": "21"}, query=structured_mapping),
        "llm_map_reduce with a collapse": Case(
            {"map": LONG_MAPPED, "collapse": LONG_MAPPED, "reduce": "21"},
            query=partial(structured_mapping, chunk=2_048, reply=450, note=LONG_MAPPED_NOTE),
            options={"chunk_tokens": 2_048, "note_tokens": 450},
        ),
        "long_agent": Case(
            {"start": '{"instruction": "i"}', "member": "sheep", "decide": DECIDED},
            query=lambda text: (1 + members(text) + 1, 1 + 2),
        ),
        "long_agent with a conflict, to its limit": Case(
            {
                "start": '{"instruction": "i"}',
                "member": "sheep",
                "conflict": "sheep",
                "decide": IN_CONFLICT,
                "end": "21",
            },
            query=lambda text: (1 + (members(text) + 1) + 2 * (1 + 1) + 1, 1 + 2 * 3 + 1),
        ),
        "long_llm_lingua": Case(package=True),
        "long_llm_lingua:scorer=server": Case(query=parallel(passages), options={"scorer": "server"}),
        "long_rag": Case(query=TWO),
        "long_rag_dual": Case(
            {"think": "t", "filter": '{"status": true}', "extract": "e", "read": "21"}, query=fixed(7 + 3, 3)
        ),
        "map_reduce": Case({"map": MAP_NOTE, "collapse": MAP_NOTE, "reduce": "21"}, query=mapping),
        "map_reduce with a collapse": Case(
            {"map": MAP_NOTE, "collapse": MAP_NOTE, "reduce": "21"},
            query=partial(mapping, chunk=1_024),
            options={"chunk_tokens": 1_024},
        ),
        "mem_agent": Case(query=serial(mem_agent_parts)),
        "mem_walker": Case(
            {**MEM_WALK, "leaf": YES}, index=lambda text: (sum(tree_sizes(text)), len(tree_sizes(text))), query=walk
        ),
        "mem_walker after a wrong turn": Case(
            {**MEM_WALK, "leaf": [NO, YES]},
            index=lambda text: (sum(tree_sizes(text)), len(tree_sizes(text))),
            query=partial(walk, wrong=1),
        ),
        "op_rag": Case(),
        "oracle": Case(),
        "overflow_prevention": Case(query=parallel(first_token_parts)),
        "parent_child": Case(),
        "prism": Case({"revise": '{"revisions": []}', "read": "21"}, query=serial(prism_parts)),
        "random_chunks": Case(),
        "raptor": Case(index=raptor_tree),
        "recursive_summary": Case({"summarise": words(690), "merge": words(690), "read": "21"}, index=summaries),
        "refine": Case(query=serial(refine_parts, 0)),
        "retrieve_then_reason": Case({"retrieve": '{"facts": ["f"]}', "reason": "21"}, query=TWO),
        "segment_plus": Case(
            {"gather": GATHERED, "filter": '{"label": "keep"}', "merge": GATHERED, "read": "21"}, query=segments
        ),
        "segment_plus with a merge": Case(
            {"gather": GATHERED, "filter": '{"label": "keep"}', "merge": GATHERED, "read": "21"},
            query=partial(segments, segment=700),
            options={"segment_tokens": 700},
        ),
        "self_route": Case(),
        "self_route when it declines": Case({"route": "unanswerable", "read": "21"}, query=TWO),
        "semantic_compression": Case(index=compressions),
        "sentence_window": Case(),
        "structurise": Case(
            {"outline": '{"scope": "s", "aspects": [{"title": "t", "first": 1, "last": 500}]}', "read": "21"},
            index=parallel(outlines, 0),
        ),
        "xl3m": Case(query=parallel(judged_segments)),
    }
)


def method_of(case: str) -> str:
    """The catalogue name that a case is about.

    >>> method_of("mem_walker after a wrong turn"), method_of("light_rag:mode=naive")
    ('mem_walker', 'light_rag')
    """
    return re.split(r"[ :]", case)[0]
