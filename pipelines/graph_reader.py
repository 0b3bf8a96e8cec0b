"""GraphReader: agents walk a graph of key elements, from atomic facts to chunks to neighbours, with a notebook each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from workbench.fitting import SEAM, cut, labelled, leading, note_room, packed, reduced, room_for, shortened
from workbench.pipeline import ANSWER_RULE, Bench, Messages, MethodCard, Prompt, render_question
from workbench.records import Answer, Context, Question
from workbench.retrieval.entity_graph import entities, normalise
from workbench.retrieval.text_index import TextIndex
from workbench.text import sentences

FACTS = Prompt(
    "graph_reader.facts",
    user="{chunk}\n\nBreak the text above into atomic facts: the smallest statements that stand alone, with pronouns "
    "replaced by names. For each, list its key elements: the nouns, names, numbers and verbs it turns on.",
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
_STATE = "\n\nPlan:\n{plan}\n\nDone so far: {actions}\n\nNotebook:\n{notebook}\n\n"
READ_FACTS = Prompt(
    "graph_reader.read_facts",
    user="{item}"
    + _STATE
    + "Above are atomic facts about one key element, under the numbers of their chunks. Update the "
    "notebook with all that helps to answer the question below. Then read_chunk, naming the numbers of the chunks "
    "worth reading in full, even if they matter only slightly, or stop_and_read_neighbor.\n\n"
    "Question: {question}\nReply:",
)
READ_CHUNK = Prompt(
    "graph_reader.read_chunk",
    user="{item}" + _STATE + "Above is one chunk of a long text. Update the notebook with all that helps to answer the "
    "question below. Then search_more (go on with the next chunk), read_previous_chunk, read_subsequent_chunk, or, "
    "when the notebook is enough to answer, termination.\n\nQuestion: {question}\nReply:",
)
NEIGHBOURS = Prompt(
    "graph_reader.neighbours",
    user="{item}"
    + _STATE
    + "The lines above are key elements next to the one just read. Choose the one from which to go "
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
    action: Literal["read_chunk", "stop_and_read_neighbor"]
    chunks: list[int] = Field(default_factory=list)


class ChunkRead(BaseModel):
    """What an agent does after a chunk."""

    notebook: str
    action: Literal["search_more", "read_previous_chunk", "read_subsequent_chunk", "termination"]


class NeighbourChosen(BaseModel):
    """Where an agent goes on."""

    action: Literal["read_neighbor_node", "termination"]
    node: str = ""


@dataclass(frozen=True)
class KeyGraph:
    """Chunks' texts; facts as (text, chunk); for each key element its facts and, most shared first, its neighbours."""

    chunks: tuple[str, ...]
    facts: tuple[tuple[str, int], ...]
    facts_of: dict[str, list[int]]
    neighbours: dict[str, list[str]]
    index: TextIndex


@dataclass(frozen=True)
class GraphReader:
    """Li et al., EMNLP Findings 2024 (arXiv 2406.14550; no official code). Index stage: one call a chunk writes atomic
    facts with key elements; elements are nodes, joined where they share a fact. Query stage: a plan; the best `paths`
    nodes; an agent for each, in parallel, with its own notebook: facts of the node, chunks it asks for, their
    neighbours in the text, neighbouring nodes, at most `calls` calls; then one call over all notebooks: 2 + b + Σ f
    calls, 3 + max f in sequence, b the batches of key elements (1 where they fit one prompt).

    Window 4,096, chunks of 2,000 tokens, 5 paths, 10 calls: the paper's (its temperature is 0.2; here the
    experiment's). Named deviations: replies are JSON; elements are merged by spelling (the paper aggregates them as
    InsTag does); elements over the window are scored in batches; of a hub's facts and neighbours those nearest to plan
    and question are shown as far as they fit; a name that is no node is the closest one or, at the start, the nearest
    by embedding; read_chunk without a valid number reads the node's chunks. An unparsable step ends its path. All of
    this is noted.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="GraphReader",
        family="agents",
        cost="index: n (parallel); query: 2 + b + Σ f calls (f ≤ 10 on each of 5 paths), 3 + max f in sequence",
        url="https://arxiv.org/abs/2406.14550",
        year=2024,
        stages="index: facts | plan → start nodes → agents (parallel): facts → chunks → neighbours → … | → answer",
    )
    window: int = 4_096
    chunk_tokens: int = 2_000
    paths: int = 5
    calls: int = 10
    notebook_tokens: int = 300  # of plan and notebook each, so that a whole chunk is read beside them

    def __post_init__(self) -> None:
        if self.paths < 1 or self.calls < 1 or self.chunk_tokens < 1:
            raise ValueError("paths, calls and chunk_tokens must be at least 1")

    def build(self, context: Context, bench: Bench) -> KeyGraph:
        limit = min(self.window, bench.window)
        tokens = note_room(1_024, FACTS(chunk=""), bench, window=limit, schema=AtomicFacts)
        room = room_for(FACTS(chunk=""), bench, reply_tokens=tokens, window=limit, schema=AtomicFacts)
        size = reduced(self.chunk_tokens, min(room, limit // 2), bench)  # a chunk is read beside plan and notebook
        texts = [chunk.text for chunk in bench.index(chunk_tokens=size, splitter="packed").chunks]
        prompts = [FACTS(chunk=cut(text, size, bench)) for text in texts]
        facts: list[tuple[str, int]] = []
        facts_of: dict[str, list[int]] = {}
        shared: dict[str, dict[str, int]] = {}
        for i, reply in enumerate(bench.ask_many(prompts, step="facts", max_tokens=tokens, schema=AtomicFacts)):
            found = [(f.fact.strip(), f.key_elements) for f in reply.parsed.facts] if reply.parsed else []
            if not any(fact and elements for fact, elements in found):
                bench.note("facts_by_rule", i)
                found = [(sentence, entities(sentence)) for sentence in sentences(texts[i])]
            for fact, elements in found:
                names = list(dict.fromkeys(name for name in map(normalise, elements) if name))
                for name in names:
                    facts_of.setdefault(name, []).append(len(facts))
                    near = shared.setdefault(name, {})
                    near.update({other: near.get(other, 0) + 1 for other in names if other != name})
                facts.append((fact, i))
        neighbours = {name: sorted(near, key=lambda other: (-near[other], other)) for name, near in shared.items()}
        return KeyGraph(tuple(texts), tuple(facts), facts_of, neighbours, bench.text_index(list(facts_of)))

    def answer(self, question: Question, state: KeyGraph, bench: Bench) -> Answer:
        asked = render_question(question)
        last = room_for(ANSWER(notebooks="", question=asked), bench, reply_tokens=bench.answer_tokens)
        # a plan and a notebook stand in every prompt, the notebook also in its reply
        frame = READ_FACTS(item="", plan="", actions="", notebook="", question=asked)
        tokens = note_room(self.notebook_tokens, frame, bench, held=4, window=self.window, schema=FactsRead)
        plan = bench.ask(PLAN(question=asked), step="plan", max_tokens=tokens).text.strip()
        plan = cut(plan, tokens, bench, noted=False)
        starts = self._starts(asked, question.text, plan, tokens, state, bench)
        agents = [_Agent(self, asked, plan, tokens, state, bench) for _ in starts]
        walks: list[Callable[[], None]] = [
            lambda agent=agent, node=node: agent.walk(node)  # type: ignore[misc]
            for agent, node in zip(agents, starts, strict=True)
        ]
        bench.parallel(walks)
        bench.note("calls_per_path", [agent.made for agent in agents])
        notebooks = shortened([a.notebook for a in agents if a.notebook], last, bench, _notebooks)
        return bench.reply(ANSWER(notebooks=_notebooks(notebooks), question=asked), step="answer")

    def _starts(self, asked: str, query: str, plan: str, tokens: int, state: KeyGraph, bench: Bench) -> list[str]:
        """The nodes to start from, best first."""
        frame = START(elements="", plan=plan, question=asked)
        reply_tokens = 2 * tokens
        room = room_for(frame, bench, reply_tokens=reply_tokens, schema=Candidates)
        groups = packed(list(state.facts_of), room, bench, "\n".join)
        prompts = [START(elements="\n".join(group), plan=plan, question=asked) for group in groups]
        replies = bench.ask_many(prompts, step="start", max_tokens=reply_tokens, schema=Candidates)
        scores: dict[str, float] = {}
        for reply in replies:
            for candidate in reply.parsed.nodes if reply.parsed else []:
                name = closest(candidate.node, state.facts_of)
                if name:
                    scores[name] = max(scores.get(name, 0.0), candidate.score)
        best = sorted(scores, key=lambda name: (-scores[name], name))[: self.paths]
        if not best and replies:
            bench.note("start_by_embedding", True)
            names = list(state.facts_of)
            best = [names[i] for i, _ in state.index.dense(query, self.paths)] or names[: self.paths]
        return best


@dataclass
class _Agent:
    """One path: its notebook and what it did."""

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
    seen: set[str] = field(default_factory=set)
    read: set[int] = field(default_factory=set)

    def walk(self, node: str) -> None:
        """From a node on, until the agent ends, nothing is left, or its calls are spent."""
        going: str | None = node
        while going is not None and self.made < self.method.calls:
            self.seen.add(going)
            if self._chunks(self._facts(going)) or self.ended:
                return
            going = self._neighbour(going)

    def _facts(self, node: str) -> list[int]:
        held = self.graph.facts_of[node]
        chunks = list(dict.fromkeys(self.graph.facts[i][1] for i in held))
        lines = [f"Chunk {self.graph.facts[i][1]}: {self.graph.facts[i][0]}" for i in held]
        reply = self._ask(READ_FACTS, lines, "read_facts", FactsRead, f"read the facts of {node[:40]}")
        if not isinstance(reply, FactsRead) or reply.action != "read_chunk":
            return []
        valid = [i for i in dict.fromkeys(reply.chunks) if 0 <= i < len(self.graph.chunks)]
        return [i for i in valid or chunks if i not in self.read]

    def _chunks(self, queue: list[int]) -> bool:
        """Read the queued chunks; True when the agent ends."""
        while queue and self.made < self.method.calls:
            number = queue.pop(0)
            if number in self.read:
                continue
            self.read.add(number)
            reply = self._ask(READ_CHUNK, [self.graph.chunks[number]], "read_chunk", ChunkRead, f"read chunk {number}")
            if not isinstance(reply, ChunkRead) or reply.action == "termination":
                return True
            step = {"read_previous_chunk": -1, "read_subsequent_chunk": 1}.get(reply.action, 0)
            if step and 0 <= number + step < len(self.graph.chunks):
                queue.insert(0, number + step)
        return False

    def _neighbour(self, node: str) -> str | None:
        near = [name for name in self.graph.neighbours.get(node, []) if name not in self.seen]
        if not near or self.made >= self.method.calls:
            return None
        reply = self._ask(NEIGHBOURS, near, "neighbours", NeighbourChosen, f"looked around {node[:40]}")
        if not isinstance(reply, NeighbourChosen) or reply.action != "read_neighbor_node":
            return None
        return closest(reply.node, near)

    def _nearest(self, lines: Sequence[str], room: int) -> list[str]:
        """The lines, or those nearest to plan and question that fit, in their order: a hub has more than a window."""
        if self.bench.count("\n".join(lines)) <= room:
            return list(lines)
        vectors = self.bench.embed([f"{self.asked}\n{self.plan}", *lines])
        scores = (vectors[1:] @ vectors[0]).tolist()
        order = sorted(range(len(lines)), key=lambda i: (-scores[i], i))
        kept = leading(order, room, self.bench, lambda some: "\n".join(lines[i] for i in sorted(some)))
        return [lines[i] for i in sorted(kept)]

    def _ask(
        self, prompt: Prompt, lines: Sequence[str], step: str, schema: type[BaseModel], did: str
    ) -> BaseModel | None:
        def rendered(item: str) -> Messages:
            done = "; ".join(self.actions[-self.method.calls :]) or "nothing"
            fields = {"plan": self.plan, "actions": done, "notebook": self.notebook or "(empty)"}
            return prompt(item=item, question=self.asked, **fields)

        if self.bench.room(rendered(""), reply_tokens=2 * self.tokens, schema=schema) < SEAM:
            self.actions.clear()  # a small window has no room for the past
        room = room_for(
            rendered(""), self.bench, reply_tokens=2 * self.tokens, window=self.method.window, schema=schema
        )
        shown = self._nearest(lines, room)
        item = "\n".join(shown) if shown else cut("".join(lines[:1]), room, self.bench)
        if shown and len(shown) < len(lines):
            self.bench.note(f"{step}_lines_left_out", len(lines) - len(shown))
        self.made += 1
        reply = self.bench.ask(rendered(item), step=step, max_tokens=2 * self.tokens, schema=schema).parsed
        self.actions.append(did)
        if reply is None:
            self.ended = True
            self.bench.note("path_ended_unparsable", step)
            return None
        written = getattr(reply, "notebook", "").strip()
        self.notebook = cut(written, self.tokens, self.bench, noted=False) or self.notebook
        return reply  # type: ignore[no-any-return]


def closest(name: str, known: Sequence[str] | dict[str, list[int]]) -> str | None:
    """The known element of that name, or one spelled much like it."""
    key = normalise(name)
    if key in known:
        return key
    return next(iter(get_close_matches(key, list(known), n=1, cutoff=0.8)), None) if key else None


def _notebooks(notebooks: Sequence[str]) -> str:
    return labelled(notebooks, "Notebook")
