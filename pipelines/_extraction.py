"""Entities and relations by the model: the index steps that LightRAG and GraphRAG share. No method of its own."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from workbench.fitting import SEAM, cut, note_room, reduced, room_for
from workbench.pipeline import Bench, Prompt
from workbench.records import Message
from workbench.retrieval.entity_graph import cooccurrence_triples
from workbench.retrieval.index import ChunkIndex
from workbench.retrieval.knowledge_graph import KnowledgeGraph, Pair

GLEAN = Prompt("extraction.glean", user="Some entities and relations were missed. List only those, in the same form.")
MERGE = Prompt(
    "extraction.merge",
    user="{descriptions}\n\nThe descriptions above are all of {name}. Merge them into one, without losing a "
    "fact.\nSummary:",
)


class Thing(BaseModel):
    """An entity of a reply."""

    name: str
    type: str = ""
    description: str = ""


class Link(BaseModel):
    """A relation of a reply."""

    subject: str
    relation: str
    object: str
    description: str = ""
    keywords: list[str] = Field(default_factory=list)
    strength: float = 1.0


class Elements(BaseModel):
    """What a chunk says."""

    entities: list[Thing]
    relations: list[Link]


def extraction_chunks(
    prompt: Prompt, chunk_tokens: int, overlap: int, reply_tokens: int, bench: Bench
) -> tuple[ChunkIndex, list[str], int]:
    """The chunk index for an extraction prompt, the chunks' texts as prompts hold them, and the reply's tokens.

    In a small window chunks shrink with the replies: a list of facts is longer than the text that states them.
    """
    tokens = note_room(reply_tokens, prompt(chunk=""), bench, schema=Elements)
    room = room_for(prompt(chunk=""), bench, reply_tokens=tokens, schema=Elements)
    size = reduced(chunk_tokens, min(room, tokens * chunk_tokens // reply_tokens), bench)
    index = bench.index(chunk_tokens=size, overlap=min(overlap, size // 4))
    return index, [cut(chunk.text, size, bench) for chunk in index.chunks], tokens


def extracted(texts: Sequence[str], prompt: Prompt, gleanings: int, tokens: int, bench: Bench) -> KnowledgeGraph:
    """The graph that the model finds in the texts: one wave of calls, and one for each gleaning."""
    replies = bench.ask_many([prompt(chunk=text) for text in texts], step="extract", max_tokens=tokens, schema=Elements)
    found = [[reply.parsed] for reply in replies]
    last = dict(enumerate(replies))
    for _ in range(gleanings):
        chats = {i: (*prompt(chunk=texts[i]), Message("assistant", last[i].text), *GLEAN()) for i in last}
        fitting = [i for i in chats if bench.room(chats[i], reply_tokens=tokens, schema=Elements) >= SEAM]
        if len(fitting) < len(chats):
            bench.note("gleanings_that_did_not_fit", len(chats) - len(fitting))
        more = bench.ask_many([chats[i] for i in fitting], step="glean", max_tokens=tokens, schema=Elements)
        last = dict(zip(fitting, more, strict=True))
        for i, reply in last.items():
            found[i].append(reply.parsed)
    graph = KnowledgeGraph()
    for number, (text, held) in enumerate(zip(texts, found, strict=True)):
        said = [elements for elements in held if elements is not None]
        if not any(_add(elements, number, graph) for elements in said):
            bench.note("extraction_empty", number)
            by_rule = [
                Link(subject=t.subject, relation=t.relation, object=t.object) for t in cooccurrence_triples(text, 0)
            ]
            _add(Elements(entities=[], relations=by_rule), number, graph)
    return graph


def _add(elements: Elements, chunk: int, graph: KnowledgeGraph) -> bool:
    """Merge what a chunk says; a relation's unknown end becomes an entity. False when there is nothing."""
    before = len(graph.entities), len(graph.relations)
    for thing in elements.entities:
        graph.add_entity(thing.name, thing.type, thing.description, chunk)
    for link in elements.relations:
        told = link.description or f"{link.subject} {link.relation} {link.object}"
        for end in (link.subject, link.object):
            graph.add_entity(end, "", "", chunk)
        graph.add_relation(link.subject, link.object, told, [*link.keywords, link.relation], link.strength, chunk)
    return (len(graph.entities), len(graph.relations)) != before or any(t.name.strip() for t in elements.entities)


def merged_descriptions(graph: KnowledgeGraph, bench: Bench, *, many: int, tokens: int) -> dict[str | Pair, str]:
    """One description for every entity and relation: joined, or merged by a call where there are `many` or more, or
    over `tokens` tokens. All calls side by side."""
    joined: dict[str | Pair, str] = {}
    heavy: list[str | Pair] = []
    every: dict[str | Pair, list[str]] = {key: entity.descriptions for key, entity in graph.entities.items()}
    every |= {pair: relation.descriptions for pair, relation in graph.relations.items()}
    for key, descriptions in every.items():
        joined[key] = " ".join(descriptions)
        if len(descriptions) > 1 and (len(descriptions) >= many or bench.count(joined[key]) >= tokens):
            heavy.append(key)
    if not heavy:
        return joined
    reply_tokens = note_room(500, MERGE(descriptions="", name=""), bench)
    prompts = []
    for key in heavy:
        name = key if isinstance(key, str) else " and ".join(key)
        room = room_for(MERGE(descriptions="", name=name), bench, reply_tokens=reply_tokens)
        prompts.append(MERGE(descriptions=cut("\n".join(every[key]), room, bench), name=name))
    replies = bench.ask_many(prompts, step="merge", max_tokens=reply_tokens)
    return joined | {k: r.text.strip() or joined[k] for k, r in zip(heavy, replies, strict=True)}


def entity_row(graph: KnowledgeGraph, key: str, told: str) -> str:
    """An entity as a line of a prompt."""
    entity = graph.entities[key]
    return _row(f"{entity.name} ({entity.kind})" if entity.kind else entity.name, told)


def relation_row(graph: KnowledgeGraph, pair: Pair, told: str) -> str:
    """A relation as a line of a prompt, with its ends' names as first written."""
    return _row(" — ".join(graph.entities[key].name for key in pair), told)


def _row(head: str, told: str) -> str:
    line = f"{head}: {told}" if told else head
    return line if line.endswith((".", "!", "?")) else f"{line}."
