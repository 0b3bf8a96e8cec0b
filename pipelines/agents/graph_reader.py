"""GraphReader: agents walk a graph of key elements, from atomic facts to chunks to neighbours, each with a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Literal, TypeVar

from pydantic import BaseModel, Field

from workbench.method.fitting import SEAM, cut, labelled, leading, note_room, packed, reduced, room_for, shortened
from workbench.method.prompts import ANSWER_RULE, Messages, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question
from workbench.retrieval.bounds import within
from workbench.retrieval.graphs.entity_graph import entities, normalise
from workbench.retrieval.graphs.key_graph import KeyGraph, closest
from workbench.retrieval.indexes.text_index import TextIndex
from workbench.text import sentences

FACTS = Prompt(
    "graph_reader.facts",
    user="{chunk}\n\nBreak the text above into atomic facts: the smallest statements that stand alone, in the language "
    "of the text, with pronouns replaced by names. For each, list its key elements: the nouns, names, numbers, verbs "
    "and adjectives it turns on.",
)
PLAN = Prompt(
    "graph_reader.plan",
    user="To answer the question below from a long text, plan step by step which information is needed, and in which "
    "order it could be found. Do not answer it.\n\nQuestion: {question}\nThoughts:",
)
START = Prompt(
    "graph_reader.start",
    user="{elements}\n\nThe lines above are key elements of a long text. Plan:\n{plan}\n\nChoose at least ten of them, "
    "word for word, from which a search for the answer should start, each with a score from 0 to 100.\n\n"
    "Question: {question}\nReply:",
)
_STATE = "{item}\n\nPlan:\n{plan}\n\nDone so far: {actions}\n\nNotebook:\n{notebook}\n\n"
READ_FACTS = Prompt(
    "graph_reader.read_facts",
    user=_STATE + "Above are atomic facts about one key element, under the numbers of their chunks. Update the "
    "notebook with all that helps to answer the question below. Then read_chunk, naming the numbers of the chunks "
    "worth reading in full, even if they matter only slightly, or stop_and_read_neighbor.\n\n"
    "Question: {question}\nReply:",
)
READ_CHUNK = Prompt(
    "graph_reader.read_chunk",
    user=_STATE + "Above is one chunk of a long text. Update the notebook with all that helps to answer the "
    "question below. Then search_more (go on with the next chunk), read_previous_chunk, read_subsequent_chunk, or, "
    "when the notebook is enough to answer, termination.\n\nQuestion: {question}\nReply:",
)
NEIGHBOURS = Prompt(
    "graph_reader.neighbours",
    user=_STATE + "The lines above are key elements next to the one just read. Choose the one from which to go "
    "on (read_neighbor_node), word for word, or termination if none can help.\n\nQuestion: {question}\nReply:",
)
ANSWER = Prompt(
    "graph_reader.answer",
    user="{notebooks}\n\nThe notebooks above were written by different readers of a long text. Use what complements "
    f"each other; where they disagree, follow the majority.\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:",
)


class AtomicFact(BaseModel):
    """A fact with what it turns on."""

    fact: str
    key_elements: list[str]


class AtomicFacts(BaseModel):
    """The reply of the index step."""

    facts: list[AtomicFact]


class Candidate(BaseModel):
    """A node to start from."""

    node: str
    score: float = Field(ge=0, le=100)


class Candidates(BaseModel):
    """The reply of the start step."""

    nodes: list[Candidate]


class FactsRead(BaseModel):
    """What an agent does after the facts of a node."""

    notebook: str
    rationale: str = ""
    action: Literal["read_chunk", "stop_and_read_neighbor"]
    chunks: list[int] = Field(default_factory=list)


class ChunkRead(BaseModel):
    """What an agent does after a chunk."""

    notebook: str
    rationale: str = ""
    action: Literal["search_more", "read_previous_chunk", "read_subsequent_chunk", "termination"]


class NeighbourChosen(BaseModel):
    """Where an agent goes on."""

    rationale: str = ""
    action: Literal["read_neighbor_node", "termination"]
    node: str = ""


Step = TypeVar("Step", FactsRead, ChunkRead, NeighbourChosen)


@dataclass(frozen=True)
class Explorable:
    """What the index stage leaves: the graph, and an index of its elements."""

    graph: KeyGraph
    index: TextIndex


@dataclass(frozen=True)
class GraphReader:
    """Li et al., EMNLP Findings 2024 (arXiv 2406.14550; no official code). Index stage: one call per chunk writes
    atomic facts with key elements; elements are nodes, joined where they share a fact. Query stage: a plan; the best
    `paths` nodes; from each an agent with its own notebook, in parallel: facts of the node, chunks it asks for, their
    neighbours in the text, neighbouring nodes, in at most `calls` calls; then one call over all notebooks. 2 + b + Σ f
    calls, 3 + max f in sequence, b being the batches of key elements (1 where they fit one prompt).

    The paper's: window 4,096, chunks of 2,000 tokens by paragraphs, 5 paths, 10 calls. The temperature is the
    experiment's (the paper: 0.2).

    Deviations:
    - nodes are chosen and notebooks read in the model's whole window; nodes in batches where that is too small;
    - of a node's facts and neighbours, those nearest to plan and question are shown, as many as fit;
    - plan and notebook have at most `notebook_tokens` tokens each; replies are JSON;
    - elements are merged by spelling (the paper aggregates them as InsTag does);
    - a misspelt node is replaced by the closest one; when none is chosen, those nearest to the question are;
    - `read_chunk` without a valid number reads the node's chunks; a step that cannot be read, or a neighbour that does
      not exist, ends its path; a chunk whose facts cannot be read gives its sentences with their names as facts.

    All fallbacks and omissions are recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="GraphReader",
        cost="index: n (parallel); query: 2 + b + Σ f calls (f ≤ 10 on each of 5 paths), 3 + max f in sequence",
        url="https://arxiv.org/abs/2406.14550",
        year=2024,
        stages="index: facts | plan → start nodes → agents (parallel): facts → chunks → neighbours → … | → answer",
    )
    window: int = 4_096
    chunk_tokens: int = 2_000
    paths: int = 5
    calls: int = 10
    facts_tokens: int = 1_024  # visible tokens of the atomic facts of a chunk
    notebook_tokens: int = 300  # for plan and notebook each, so that a whole chunk fits beside them

    def __post_init__(self) -> None:
        if self.paths < 1 or self.calls < 1 or self.chunk_tokens < 1:
            raise ValueError("paths, calls and chunk_tokens must be at least 1")
        within("facts_tokens", self.facts_tokens, 1)

    def build(self, context: Context, bench: Bench) -> Explorable:
        limit = min(self.window, bench.window)
        tokens = note_room(self.facts_tokens, FACTS(chunk=""), bench, window=limit, schema=AtomicFacts)
        room = room_for(FACTS(chunk=""), bench, reply_tokens=tokens, window=limit, schema=AtomicFacts)
        size = reduced(self.chunk_tokens, min(room, limit // 2), bench)  # a chunk is read beside plan and notebook
        texts = [chunk.text for chunk in bench.index(chunk_tokens=size, splitter="paragraphs").chunks]
        prompts = [FACTS(chunk=cut(text, size, bench)) for text in texts]
        facts: list[tuple[str, list[str], int]] = []
        for i, reply in enumerate(bench.ask_many(prompts, step="facts", max_tokens=tokens, schema=AtomicFacts)):
            found = [(f.fact.strip(), f.key_elements, i) for f in reply.parsed.facts] if reply.parsed else []
            if not any(fact and elements for fact, elements, _ in found):
                bench.note("facts_by_rule", i)
                found = [(sentence, entities(sentence), i) for sentence in sentences(texts[i])]
            facts += found
        graph = KeyGraph.of(texts, facts)
        return Explorable(graph, bench.text_index(graph.elements))

    def answer(self, question: Question, state: Explorable, bench: Bench) -> Answer:
        asked = render_question(question)
        last = room_for(ANSWER(notebooks="", question=asked), bench, reply_tokens=bench.answer_tokens)
        # a plan and a notebook stand in every prompt, the notebook also in its reply
        frame = READ_FACTS(item="", plan="", actions="", notebook="", question=asked)
        tokens = note_room(self.notebook_tokens, frame, bench, held=4, window=self.window, schema=FactsRead)
        plan = cut(bench.ask(PLAN(question=asked), step="plan", max_tokens=tokens).text.strip(), tokens, bench)
        starts = self._starts(asked, question.text, plan, tokens, state, bench)
        agents = [Agent(self, asked, plan, tokens, state.graph, bench) for _ in starts]
        bench.parallel([partial(agent.walk, node) for agent, node in zip(agents, starts, strict=True)])
        bench.note("calls_per_path", [agent.made for agent in agents])
        written = [agent.notebook for agent in agents if agent.notebook]
        if len(written) < len(agents):
            bench.note("notebooks_empty", len(agents) - len(written))
        shown = partial(labelled, label="Notebook")
        notebooks = shown(shortened(written, last, bench, shown))
        return bench.reply(ANSWER(notebooks=notebooks, question=asked), step="answer")

    def _starts(self, asked: str, query: str, plan: str, tokens: int, state: Explorable, bench: Bench) -> list[str]:
        """The nodes to start from, best first."""
        names = state.graph.elements
        frame = START(elements="", plan=plan, question=asked)
        room = room_for(frame, bench, reply_tokens=2 * tokens, schema=Candidates)
        groups = packed(names, room, bench, "\n".join)
        if len(groups) > 1:
            bench.note("batches_of_key_elements", len(groups))
        prompts = [START(elements="\n".join(group), plan=plan, question=asked) for group in groups]
        scores: dict[str, float] = {}
        for reply in bench.ask_many(prompts, step="start", max_tokens=2 * tokens, schema=Candidates):
            for candidate in reply.parsed.nodes if reply.parsed else []:
                name = _node(candidate.node, names, bench)
                if name:
                    scores[name] = max(scores.get(name, 0.0), candidate.score)
        best = sorted(scores, key=lambda name: (-scores[name], name))[: self.paths]
        if not best and names:
            bench.note("start_by_embedding", True)
            best = [names[i] for i, _ in state.index.dense(query, self.paths)] or names[: self.paths]
        return best


@dataclass
class Agent:
    """One path: its notebook and what the agent did."""

    method: GraphReader
    asked: str
    plan: str
    tokens: int
    graph: KeyGraph
    bench: Bench
    notebook: str = ""
    made: int = 0
    ended: bool = False
    actions: list[str] = field(default_factory=list)
    visited: set[str] = field(default_factory=set)
    read: set[int] = field(default_factory=set)

    def walk(self, start: str) -> None:
        """Walk from a node until the agent ends, nothing is left to read, or its calls are used up."""
        node: str | None = start
        while node is not None and self._goes_on():
            self.visited.add(node)
            queue = self._read_facts(node)
            while queue and self._goes_on():
                queue = self._read_chunk(queue[0]) + queue[1:]
            node = self._neighbour(node) if self._goes_on() else None

    def _goes_on(self) -> bool:
        return not self.ended and self.made < self.method.calls

    def _read_facts(self, node: str) -> list[int]:
        """Read a node's facts. Returns the chunks that the agent wants to read next."""
        facts = [self.graph.facts[i] for i in self.graph.facts_of[node]]
        lines = [f"Chunk {chunk}: {fact}" for fact, chunk in facts]
        reply = self._ask(READ_FACTS, lines, "read_facts", FactsRead, f"read the facts of {node[:40]}")
        if reply is None or reply.action != "read_chunk":
            return []
        wanted = [i for i in dict.fromkeys(reply.chunks) if 0 <= i < len(self.graph.chunks)]
        if not wanted:
            self.bench.note("no_valid_chunk", node[:40])
        return [i for i in wanted or self.graph.chunks_of(node) if i not in self.read]

    def _read_chunk(self, number: int) -> list[int]:
        """Read a chunk. Returns the one before or after it when the agent wants to read that next."""
        if number in self.read or not 0 <= number < len(self.graph.chunks):
            return []
        self.read.add(number)
        reply = self._ask(READ_CHUNK, [self.graph.chunks[number]], "read_chunk", ChunkRead, f"read chunk {number}")
        if reply is None or reply.action == "termination":
            self.ended = True
            return []
        return {"read_previous_chunk": [number - 1], "read_subsequent_chunk": [number + 1]}.get(reply.action, [])

    def _neighbour(self, node: str) -> str | None:
        near = [name for name in self.graph.neighbours.get(node, ()) if name not in self.visited]
        if not near:
            return None
        reply = self._ask(NEIGHBOURS, near, "neighbours", NeighbourChosen, f"looked around {node[:40]}")
        if reply is None or reply.action != "read_neighbor_node":
            return None
        chosen = _node(reply.node, near, self.bench)
        if chosen is None:
            self.bench.note("no_such_neighbour", reply.node[:40])
        return chosen

    def _ask(self, prompt: Prompt, lines: Sequence[str], step: str, schema: type[Step], did: str) -> Step | None:
        """One call about as many lines as fit; the notebook in the reply becomes the agent's. Returns None, and ends
        the path, when the reply cannot be parsed."""

        def rendered(item: str) -> Messages:
            fields = {"plan": self.plan, "actions": "; ".join(self.actions) or "nothing"}
            return prompt(item=item, question=self.asked, notebook=self.notebook or "(empty)", **fields)

        reply_tokens, window = 2 * self.tokens, min(self.method.window, self.bench.window)
        beside = self.bench.window - window
        if self.bench.room(rendered(""), reply_tokens=reply_tokens, schema=schema) - beside < 2 * SEAM:
            self.actions.clear()  # a small window has no room for past actions
            self.bench.note("past_actions_left_out", self.made)
        room = room_for(rendered(""), self.bench, reply_tokens=reply_tokens, window=window, schema=schema)
        shown = self._nearest(lines, room)
        if shown and len(shown) < len(lines):
            self.bench.note(f"{step}_lines_left_out", len(lines) - len(shown))
        item = "\n".join(shown) if shown else cut(lines[0], room, self.bench)
        reply: Step | None = self.bench.ask(rendered(item), step=step, max_tokens=reply_tokens, schema=schema).parsed
        self.made += 1
        self.actions.append(did)
        if reply is None:
            self.ended = True
            self.bench.note("path_ended_unparsable", step)
        elif not isinstance(reply, NeighbourChosen):
            self.notebook = cut(reply.notebook.strip(), self.tokens, self.bench) or self.notebook
        return reply

    def _nearest(self, lines: Sequence[str], room: int) -> list[str]:
        """The lines in their order or, when they do not fit, those nearest to plan and question."""
        if self.bench.count("\n".join(lines)) <= room:
            return list(lines)
        vectors = self.bench.embed([f"{self.asked}\n{self.plan}", *lines])
        scores = (vectors[1:] @ vectors[0]).tolist()
        order = sorted(range(len(lines)), key=lambda i: (-scores[i], i))
        kept = leading(order, room, self.bench, lambda some: "\n".join(lines[i] for i in sorted(some)))
        return [lines[i] for i in sorted(kept)]


def _node(name: str, known: Sequence[str], bench: Bench) -> str | None:
    """The node of that name, or the one spelled most like it, noted."""
    found = closest(name, known)
    if found is not None and found != normalise(name):
        bench.note("closest_node", f"{name[:40]} → {found[:40]}")
    return found
