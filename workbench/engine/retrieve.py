"""Is the right chunk found? Every retrieval configuration of an experiment against evidence spans; no model is called.

The methods themselves run, on a bench that hands back what they would have read in their last call. A method that needs
a model before it has its chunks (a query transform, a reranker) is left out and named.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.engine.bench import Equipment, ExperimentBench
from workbench.engine.retrieve_report import DEPTHS, Measured, Retrieved, Row, groups, rows, scores
from workbench.errors import InputError, UnknownName, WorkbenchError
from workbench.experiment.answer_budget import largest_budget
from workbench.experiment.config import load
from workbench.experiment.hygiene import without_label_errors
from workbench.experiment.schema import Experiment
from workbench.experiment.setup import choose, load_corpus
from workbench.experiment.sweeps import Variant, variants
from workbench.llm.gateway import Gateway
from workbench.records import Answer, Context, Corpus, Document, Hit, Question, Reply

if TYPE_CHECKING:
    from workbench.llm.model import ChatRequest, Completion
    from workbench.method.prompts import Messages
    from workbench.retrieval.embedders.embedder import Embedder

RETRIEVERS = ("dense", "sparse", "hybrid")
_FUSING = ("fusion", "rrf_k", "dense_weight")
_IDLE = {  # options of chunk_rag that make no difference to a single ranking of that kind
    "dense": (*_FUSING, "bm25", "k1", "b"),
    "sparse": (*_FUSING, "dense_index", "embedder", "dimensions"),
}


class NeedsModel(WorkbenchError):
    """The method asks a model before it has its chunks."""


class _Deaf:
    """Counts tokens, has room for everything, answers nothing."""

    name = "no model"
    window = 1_000_000_000
    max_output_tokens = 4_096
    token_source = "tiktoken:o200k_base"  # noqa: S105 - where counts come from, no secret
    is_async = False
    max_parallel = 1

    def count(self, text: str) -> int:
        from workbench.text import count_tokens

        return count_tokens(text)

    def complete(self, request: ChatRequest) -> Completion:
        raise NeedsModel("no model is called here")

    async def acomplete(self, request: ChatRequest) -> Completion:
        raise NeedsModel("no model is called here")


class _RetrievalBench(ExperimentBench):
    """A bench whose last call is not made: its hits are the answer."""

    def ask(self, prompt: Messages, **options: Any) -> Reply:
        raise NeedsModel("asks a model before it has its chunks")

    def ask_many(self, prompts: Sequence[Messages], **options: Any) -> list[Reply]:
        if not prompts:
            return []
        raise NeedsModel("asks a model before it has its chunks")

    def reply(
        self,
        prompt: Messages,
        *,
        step: str,
        max_tokens: int | None = None,
        hits: Sequence[Hit] = (),
        dropped_tokens: int = 0,
    ) -> Answer:
        return Answer("", hits=tuple(hits), dropped_tokens=dropped_tokens)


def retrieve(
    source: str | Path | Mapping[str, Any] | Experiment,
    *,
    limit: int | None = None,
    pool: bool = False,
    embedder: Any = None,
    by: str | None = None,
    baseline: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Retrieved:
    """Run the retrieval of every configuration in an experiment over its questions that have evidence.

    Each configuration with a `retriever` is measured with all three. `pool` puts all contexts of a corpus into one, as
    a search over everything. `limit`: at most that many questions with evidence per corpus. `by` breaks down by task or
    another label of the questions. `baseline` names the row that the others are compared with, the first by default.
    Raises InputError when nothing in the file retrieves, or no question has evidence.

    Example: `retrieve("examples/demo.yaml").rows[0].mrr`
    """
    from workbench.retrieval.embedders.opening import open_embedder

    experiment = load(source)
    configured = _configurations(experiment)
    labels = [label for label, _ in configured]
    if baseline is not None and baseline not in labels:
        raise UnknownName("retrieval configuration", baseline, labels, file=experiment.source, field="--baseline")
    opened = open_embedder(experiment.embedder if embedder is None else embedder)
    found: list[Row] = []
    left_out: list[str] = []
    loaded = [load_corpus(entry, experiment, f"corpora.{number}") for number, entry in enumerate(experiment.corpora)]
    for whole, corpus in zip(loaded, without_label_errors(experiment, loaded), strict=True):
        left_out += [f"corpus {corpus.name}: {note}" for note in corpus.notes[len(whole.notes) :]]
        corpus = pooled(corpus) if pool else corpus
        known = dataclasses.replace(corpus, questions=tuple(q for q in corpus.questions if q.evidence))
        if not known.questions:
            left_out.append(f"corpus {corpus.name}: no question has evidence spans")
            continue
        asked = choose(known, limit or experiment.sample, experiment)
        bare = len(corpus.questions) - len(known.questions)
        if bare:
            left_out.append(f"corpus {corpus.name}: {bare} questions without evidence spans")
        groups(asked, by)  # a label that no question has is said before anything is built
        measured: list[Measured] = []
        for label, method in configured:
            try:
                one = _measured(label, method, corpus, asked, experiment, opened)
            except (NeedsModel, InputError) as error:
                left_out.append(f"{label}: {error}")
                continue
            if one is None:
                left_out.append(f"{label}: retrieves nothing")
                continue
            measured.append(one)
            if progress:
                progress(f"{corpus.name}: {label}")
        if measured:
            found += rows(corpus.name, asked, measured, by=by, baseline=baseline)
    if not found:
        reasons = "; ".join(dict.fromkeys(left_out))
        bare = all(reason.startswith("corpus ") for reason in left_out)
        raise InputError(
            f"nothing to report ({reasons})",
            file=experiment.source,
            field="corpora" if bare else "pipelines",
            fix="choose questions with evidence spans" if bare else "add chunk_rag",
        )
    return Retrieved(tuple(found), tuple(dict.fromkeys(left_out)))


def _configurations(experiment: Experiment) -> list[tuple[str, Any]]:
    """Labels and methods, each as deep as the report looks; what differs only in depth, order or what its retriever
    does not look at is one."""
    found: dict[Any, tuple[str, Any]] = {}
    for variant in variants(experiment):
        for label, method in _by_retriever(variant):
            fields = {field.name: field for field in dataclasses.fields(method)}
            same: dict[str, Any] = {"top_k": max(DEPTHS)} if "top_k" in fields else {}
            if "order" in fields:
                same["order"] = "relevance"
            deep = dataclasses.replace(method, **same)
            idle = _IDLE.get(getattr(method, "retriever", ""), ()) if getattr(method, "rerank", "") == "none" else ()
            plain = {name: fields[name].default for name in idle if name in fields}
            found.setdefault(dataclasses.replace(deep, **plain), (label, deep))
    return list(found.values())


def _by_retriever(variant: Variant) -> Iterator[tuple[str, Any]]:
    if "retriever" not in variant.config:
        yield variant.label, variant.pipeline
        return
    name, bracket, options = variant.label.partition("[")
    others = [o for o in options.removesuffix("]").split(",") if bracket and not o.startswith(("retriever=", "top_k="))]
    for retriever in RETRIEVERS:
        label = f"{name}[{','.join([f'retriever={retriever}', *others])}]"
        try:
            yield label, dataclasses.replace(variant.pipeline, retriever=retriever)
        except InputError:
            continue  # what the file asks for makes no sense with this retriever


def _measured(
    label: str, method: Any, corpus: Corpus, asked: Sequence[Question], experiment: Experiment, embedder: Embedder
) -> Measured | None:
    equipment = Equipment(
        run_id="retrieve",
        gateway=Gateway(_Deaf(), concurrency=1),
        seed=experiment.seed,
        answer_tokens=largest_budget(experiment, asked),
        temperature=experiment.temperature,
        embedder=embedder,
        index_directory=experiment.database.parent / "indexes",
    )
    build_s = 0.0
    times: list[float] = []
    scored: list[tuple[float, ...]] = []
    read: list[int] = []
    states: dict[str, Any] = {}
    try:
        for question in asked:
            context = corpus.contexts[question.context_id]
            if question.context_id not in states:
                started = time.perf_counter()
                states[question.context_id] = method.build(context, _RetrievalBench(equipment, context, phase="build"))
                build_s += time.perf_counter() - started
            bench = _RetrievalBench(equipment, context, phase="answer", question_id=question.question_id)
            started = time.perf_counter()
            hits = method.answer(question.blind(), states[question.context_id], bench).hits
            times.append(time.perf_counter() - started)
            read.append(len(hits))
            scored.append(scores(hits, question.evidence))
    finally:
        equipment.gateway.close()
    if not any(read):
        return None
    searched = () if getattr(method, "retriever", "") == "sparse" else states.values()
    return Measured(label, tuple(scored), tuple(read), tuple(times), build_s, _kinds(searched))


def _kinds(states: Iterable[Any]) -> tuple[tuple[str, float], ...]:
    """The kind of each dense index that was built, with its recall; methods with other states show none."""
    from workbench.retrieval.indexes.chunk_index import ChunkIndex

    facts = (state.dense_facts for state in states if isinstance(state, ChunkIndex))
    return tuple(fact for fact in facts if fact is not None)


def pooled(corpus: Corpus) -> Corpus:
    """The corpus with all its documents in one context. Documents that are equal in id and text are one; others that
    share an id get their context's number before it."""
    if len(corpus.contexts) == 1:
        return corpus
    documents: dict[str, Document] = {}
    names: dict[tuple[str, str], str] = {}
    for number, (context_id, context) in enumerate(corpus.contexts.items()):
        for document in context.documents:
            name = document.document_id
            if name in documents and documents[name].text != document.text:
                name = f"{number}/{name}"
            documents.setdefault(name, dataclasses.replace(document, document_id=name))
            names[context_id, document.document_id] = name
    whole = Context(tuple(documents.values()))

    def moved(question: Question) -> Question:
        spans = [
            dataclasses.replace(span, document_id=names[question.context_id, span.document_id])
            for span in question.evidence
        ]
        return dataclasses.replace(question, context_id=whole.context_id, evidence=tuple(spans))

    questions = [moved(question) for question in corpus.questions]
    return Corpus.of(f"{corpus.name} pooled", [whole], questions, version=corpus.version, notes=corpus.notes)
