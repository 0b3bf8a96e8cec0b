"""Is the right chunk found? Every retrieval configuration of an experiment against evidence spans; no model is called.

The methods themselves run, on a bench that hands back what they would have read in their last call. A method that needs
a model before it has its chunks (a query transform, a reranker) is left out and named.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError, WorkbenchError
from workbench.evaluation.metrics.evidence import evidence_recall, ndcg_at_k, recall_at_k, reciprocal_rank
from workbench.experiment.bench import Equipment, ExperimentBench
from workbench.experiment.config import Experiment, Variant, load, variants
from workbench.experiment.setup import choose, load_corpus
from workbench.llm.gateway import Gateway
from workbench.records import Answer, Chunk, Context, Corpus, Document, Hit, Question, Reply

if TYPE_CHECKING:
    from workbench.llm.model import ChatRequest, Completion
    from workbench.pipeline import Messages
    from workbench.retrieval.embedding import Embedder

DEPTHS = (1, 5, 10, 20)
RETRIEVERS = ("dense", "sparse", "hybrid")
_NDCG = 10


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


@dataclass(frozen=True)
class Row:
    """One retrieval configuration over one corpus. `recall` by depth k is the share of the evidence spans that one of
    the first k hits overlaps, `mrr` the mean reciprocal rank of the first that does, `coverage` the share of the gold
    characters in the first 10; means over `questions`. Seconds: building the index, and the median per question."""

    corpus: str
    retriever: str
    questions: int
    recall: Mapping[int, float]
    mrr: float
    ndcg_at_10: float
    coverage_at_10: float
    chunks_read: float
    build_s: float
    query_s: float


@dataclass(frozen=True)
class Retrieved:
    """The report: a row per corpus and configuration, and what was left out and why."""

    rows: tuple[Row, ...]
    left_out: tuple[str, ...]

    def records(self) -> list[dict[str, Any]]:
        """Plain rows for JSON and CSV."""
        found = []
        for row in self.rows:
            plain = dataclasses.asdict(row)
            recall = plain.pop("recall")
            found.append({**plain, **{f"recall_at_{k}": value for k, value in recall.items()}})
        return found


def retrieve(
    source: str | Path | Mapping[str, Any] | Experiment,
    *,
    limit: int | None = None,
    pool: bool = False,
    embedder: Any = None,
    progress: Callable[[str], None] | None = None,
) -> Retrieved:
    """Run the retrieval of every configuration in an experiment over its questions that have evidence.

    Each configuration with a `retriever` is measured with all three. `pool` puts all contexts of a corpus into one, as
    a search over everything. `limit`: at most that many questions per corpus. Raises InputError when nothing in the
    file retrieves, or no question has evidence.

    Example: `retrieve("examples/demo.yaml").rows[0].mrr`
    """
    from workbench.retrieval.embedding import open_embedder

    experiment = load(source)
    configured = _configurations(experiment)
    opened = open_embedder(experiment.embedder if embedder is None else embedder)
    rows: list[Row] = []
    left_out: list[str] = []
    for number, entry in enumerate(experiment.corpora):
        corpus = load_corpus(entry, experiment, f"corpora.{number}")
        corpus = pooled(corpus) if pool else corpus
        known = dataclasses.replace(corpus, questions=tuple(q for q in corpus.questions if q.evidence))
        if not known.questions:
            left_out.append(f"corpus {corpus.name}: no question has evidence spans")
            continue
        asked = choose(known, limit or experiment.sample, experiment)
        bare = len(corpus.questions) - len(known.questions)
        if bare:
            left_out.append(f"corpus {corpus.name}: {bare} questions without evidence spans")
        for label, method in configured:
            try:
                row = _measured(label, method, corpus, asked, experiment, opened)
            except (NeedsModel, InputError) as error:
                left_out.append(f"{label}: {error}")
                continue
            if row is None:
                left_out.append(f"{label}: retrieves nothing")
                continue
            rows.append(row)
            if progress:
                progress(f"{corpus.name}: {label}")
    if not rows:
        reasons = "; ".join(dict.fromkeys(left_out))
        bare = all(reason.startswith("corpus ") for reason in left_out)
        raise InputError(
            f"nothing to report ({reasons})",
            file=experiment.source,
            field="corpora" if bare else "pipelines",
            fix="choose questions with evidence spans" if bare else "add chunk_rag",
        )
    return Retrieved(tuple(rows), tuple(dict.fromkeys(left_out)))


def _configurations(experiment: Experiment) -> list[tuple[str, Any]]:
    """Labels and methods, each as deep as the report looks; what differs only in depth or order is one."""
    found: dict[Any, str] = {}
    for variant in variants(experiment):
        for label, method in _by_retriever(variant):
            fields = {field.name for field in dataclasses.fields(method)}
            same: dict[str, Any] = {"top_k": max(DEPTHS)} if "top_k" in fields else {}
            if "order" in fields:
                same["order"] = "relevance"
            found.setdefault(dataclasses.replace(method, **same), label)
    return [(label, method) for method, label in found.items()]


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
) -> Row | None:
    equipment = Equipment(
        run_id="retrieve",
        gateway=Gateway(_Deaf(), concurrency=1),
        seed=experiment.seed,
        answer_tokens=experiment.answer_tokens,
        temperature=experiment.temperature,
        embedder=embedder,
        index_directory=experiment.database.parent / "indexes",
    )
    build_s = 0.0
    times: list[float] = []
    scores: list[tuple[float, ...]] = []
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
            scores.append(_scores(hits, question.evidence))
    finally:
        equipment.gateway.close()
    if not any(read):
        return None
    means = [statistics.fmean(values) for values in zip(*scores, strict=True)]
    return Row(
        corpus=corpus.name,
        retriever=label,
        questions=len(asked),
        recall=dict(zip(DEPTHS, means, strict=False)),
        mrr=means[len(DEPTHS)],
        ndcg_at_10=means[len(DEPTHS) + 1],
        coverage_at_10=means[len(DEPTHS) + 2],
        chunks_read=statistics.fmean(read),
        build_s=build_s,
        query_s=statistics.median(times),
    )


def _scores(hits: Sequence[Hit], evidence: Sequence[Chunk]) -> tuple[float, ...]:
    values = [recall_at_k(hits, evidence, k) for k in DEPTHS]
    values += [
        reciprocal_rank(hits, evidence),
        ndcg_at_k(hits, evidence, _NDCG),
        evidence_recall(hits, evidence, _NDCG),
    ]
    return tuple(value or 0.0 for value in values)  # None is "without evidence", and these questions have some


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
