"""Extraction of entities and relations by the model: the index steps that LightRAG and GraphRAG share. Not a method."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from workbench.method.fitting import SEAM, cut, note_number, note_room, reduced, room_for
from workbench.method.prompts import Messages, Prompt
from workbench.method.protocol import Bench
from workbench.records import Message
from workbench.retrieval.graphs.entity_graph import cooccurrence_triples
from workbench.retrieval.graphs.knowledge_graph import KnowledgeGraph, Pair
from workbench.retrieval.indexes.chunk_index import ChunkIndex

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
    """The chunk index for an extraction prompt, the chunks' texts as prompts show them, and the tokens of a reply.

    In a small window chunks shrink together with the replies, since a list of facts is longer than the text that states
    them.
    """
    tokens = note_room(reply_tokens, prompt(chunk=""), bench, schema=Elements)
    room = room_for(prompt(chunk=""), bench, reply_tokens=tokens, schema=Elements)
    size = reduced(chunk_tokens, min(room, tokens * chunk_tokens // reply_tokens), bench)
    index = bench.index(chunk_tokens=size, overlap=min(overlap, size // 4))
    return index, [cut(chunk.text, size, bench) for chunk in index.chunks], tokens


def extracted(texts: Sequence[str], prompt: Prompt, gleanings: int, tokens: int, bench: Bench) -> KnowledgeGraph:
    """The graph of what the model finds in the texts: one wave of calls, and for each gleaning one more, which
    continues the same chats. A gleaning that does not fit the window is left out, noted. A text whose replies hold
    nothing gets relations by rule, between the names in a sentence, noted."""
    chats: list[Messages] = [prompt(chunk=text) for text in texts]
    found: list[list[Elements | None]] = [[] for _ in texts]
    going = list(range(len(texts)))
    for wave in range(1 + gleanings):
        if wave:
            fitting = [i for i in going if bench.room(chats[i], reply_tokens=tokens, schema=Elements) >= SEAM]
            if len(fitting) < len(going):
                bench.note("gleanings_that_did_not_fit", len(going) - len(fitting))
            going = fitting
        step = "glean" if wave else "extract"
        replies = bench.ask_many([chats[i] for i in going], step=step, max_tokens=tokens, schema=Elements)
        for i, reply in zip(going, replies, strict=True):
            found[i].append(reply.parsed)
            chats[i] = (*chats[i], Message("assistant", reply.text), *GLEAN())
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
    """Merge what a chunk says into the graph; an unknown end of a relation becomes an entity. False when it says
    nothing."""
    before = len(graph.entities), len(graph.relations)
    for thing in elements.entities:
        graph.add_entity(thing.name, thing.type, thing.description, chunk)
    for link in elements.relations:
        told = link.description or f"{link.subject} {link.relation} {link.object}"
        for end in (link.subject, link.object):
            graph.add_entity(end, "", "", chunk)
        graph.add_relation(link.subject, link.object, told, [*link.keywords, link.relation], link.strength, chunk)
    return (len(graph.entities), len(graph.relations)) != before or any(t.name.strip() for t in elements.entities)


def merge_descriptions(graph: KnowledgeGraph, bench: Bench, *, many: int, tokens: int, reply_tokens: int) -> None:
    """Merge the descriptions of each entity and relation with several, if these are at least `many` or have at least
    `tokens` tokens. One call for each, in parallel, over the descriptions that fit; its reply has at most
    `reply_tokens` tokens. An empty reply leaves them as they are, noted."""
    told = [(entity.name, entity.descriptions) for entity in graph.entities.values()]
    told += [(" and ".join(relation.ends), relation.descriptions) for relation in graph.relations.values()]
    heavy = [
        (name, held)
        for name, held in told
        if len(held) > 1 and (len(held) >= many or bench.count(" ".join(held)) >= tokens)
    ]
    if not heavy:
        return
    reply_tokens = note_room(reply_tokens, MERGE(descriptions="", name=""), bench)
    prompts = []
    for name, held in heavy:
        room = room_for(MERGE(descriptions="", name=name), bench, reply_tokens=reply_tokens)
        prompts.append(MERGE(descriptions=cut("\n".join(held), room, bench), name=name))
    replies = bench.ask_many(prompts, step="merge", max_tokens=reply_tokens)
    note_number("empty_merges", sum(not reply.text.strip() for reply in replies), bench)
    for (_, held), reply in zip(heavy, replies, strict=True):
        held[:] = [reply.text.strip()] if reply.text.strip() else held


def entity_row(graph: KnowledgeGraph, key: str) -> str:
    """An entity as a line of a prompt."""
    entity = graph.entities[key]
    return _row(f"{entity.name} ({entity.kind})" if entity.kind else entity.name, entity.descriptions)


def relation_row(graph: KnowledgeGraph, pair: Pair) -> str:
    """A relation as a line of a prompt, with the names of its ends as first written."""
    return _row(" — ".join(graph.entities[key].name for key in pair), graph.relations[pair].descriptions)


def _row(head: str, descriptions: Sequence[str]) -> str:
    line = ": ".join(part for part in (head, " ".join(descriptions)) if part)
    return line if line.endswith((".", "!", "?")) else f"{line}."
