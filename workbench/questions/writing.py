"""Writing questions about your own documents with a model, and keeping only those that pass every check.

A question is written over one chunk, over two chunks that share an entity, or over a long stretch of the documents.
Kept is what has its evidence verbatim in the documents, is not a duplicate, cannot be answered without the text, and
is answered right from its evidence alone; a count or a list over one stretch also needs every other stretch of the
documents to hold nothing that bears on it, because it will be asked of them all. Every call goes through the gateway:
cached, counted, logged, within a budget; a rerun with the same arguments pays for nothing twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError, NoText, RunStopped, StoreError
from workbench.evaluation.metrics.refusal import abstains
from workbench.method.prompts import Messages
from workbench.questions.checks import alike, flaw, is_answer, question_id, quoted
from workbench.questions.earlier import Earlier, check_file, save
from workbench.questions.material import KINDS, Material, materials, stretches_of
from workbench.questions.prompts import ANSWER, CLOSED_BOOK, VERSION, WRITE, Draft
from workbench.records import Chunk, Context
from workbench.text import combined_hash

if TYPE_CHECKING:
    from workbench.llm.gateway import Gateway

_TRIES = 4  # drafts per wanted question, at most
_REPLY_TOKENS = 700
_SILENT = 10  # replies without a word after which a model that has said nothing is not asked again
_BATCH = 8


@dataclass(frozen=True, slots=True)
class WritingOptions:
    """Who writes how many questions of which kinds, and what it may cost."""

    model: Any
    model_options: Mapping[str, Any] = field(default_factory=dict)
    number: int = 100
    kinds: Sequence[str] = KINDS
    budget_usd: float | None = None
    seed: int = 0
    concurrency: int = 8


@dataclass(slots=True)
class Written:
    """The outcome: accepted rows of a questions file, rejected drafts with their reasons, calls and cost."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0
    replayed: int = 0
    spent_usd: float = 0.0
    stopped: str | None = None

    @property
    def reasons(self) -> dict[str, int]:
        """How many drafts were rejected for which reason."""
        return dict(Counter(row["reason"] for row in self.rejected).most_common())


def write_questions(
    context: Context, options: WritingOptions, out: Path, advance: Callable[[int], None] = lambda _: None
) -> Written:
    """Write `options.number` questions about a context into the questions file `out` (`files` reads it), and the
    rejected drafts beside it as `NAME.rejected.jsonl`. `advance(n)` hears of n more accepted questions.

    A file of earlier questions is added to: its rows stay as their review left them, and what was dropped stays out.
    Raises InputError for an unknown kind, documents without text, or a file that exists already with other questions.
    """
    from workbench.experiment.budget import PRICE_IT, Ledger, check_priced
    from workbench.experiment.schema import Budget
    from workbench.llm.cache import ResponseCache
    from workbench.llm.gateway import Gateway
    from workbench.llm.prices import price_for
    from workbench.llm.providers.opening import open_model
    from workbench.runlog.store import RunLog

    _check(options)
    check_file(out)
    model = open_model(options.model, **options.model_options)
    price = price_for(model.name, options.model_options)
    check_priced(options.budget_usd, [(model, price)], field="budget", fix=PRICE_IT)
    ledger = Ledger(Budget(usd=options.budget_usd))
    run_id = combined_hash("questions", VERSION, context.context_id, model.name, str(options.seed))[:20]
    done = Written()
    with RunLog(out.with_suffix(".duckdb")) as log, ResponseCache(out.with_name("responses.sqlite")) as cache:

        def record(call: Any, prompt: str, reply: str | None) -> None:
            ledger.add(call)
            log.add_call(call, prompt, reply)

        gateway = Gateway(
            model, price=price, cache=cache, record=record,
            concurrency=options.concurrency, guard=ledger,
        )  # fmt: skip
        try:
            _Writer(context, options, gateway, run_id, done, advance, Earlier.read(out)).work()
        except RunStopped as reached:
            done.stopped = str(reached)
        finally:
            gateway.close()
            done.calls, done.replayed, done.spent_usd = ledger.calls, ledger.replayed, ledger.usd
            save(out, Earlier.read(out).with_new(done.rows))  # read anew: a review may go on meanwhile
            save(out.with_name(f"{out.stem}.rejected.jsonl"), done.rejected)
    return done


def _check(options: WritingOptions) -> None:
    unknown = [kind for kind in options.kinds if kind not in KINDS]
    if unknown or not options.kinds:
        raise InputError(f"unknown kinds {unknown}", field="--kinds", fix=f"known: {', '.join(KINDS)}")
    if options.number < 1:
        raise InputError("must be at least 1", field="--n")


class _Writer:
    """Drafts in batches; within a batch every stage's calls are concurrent."""

    def __init__(
        self, context: Context, options: WritingOptions, gateway: Gateway, run_id: str, done: Written,
        advance: Callable[[int], None], earlier: Earlier,
    ) -> None:  # fmt: skip
        self._context, self._options, self._gateway = context, options, gateway
        self._run_id, self._done, self._advance, self._earlier = run_id, done, advance, earlier
        self._silent, self._said = 0, False
        self._stretches = (
            stretches_of(context.documents, gateway.model.window, _REPLY_TOKENS, gateway.count)
            if "whole" in options.kinds
            else []
        )

    def work(self) -> None:
        """Draft until enough are accepted, or four times as many were tried."""
        supply = materials(
            self._context, self._stretches, self._gateway.count, kinds=self._options.kinds, seed=self._options.seed
        )
        for _ in range(0, _TRIES * self._options.number, _BATCH):
            wanted = self._options.number - len(self._done.rows)
            batch = [material for _, material in zip(range(min(_BATCH, wanted)), supply, strict=False)]
            if not batch:
                break
            before = len(self._done.rows)
            self._batch(batch)
            self._advance(len(self._done.rows) - before)

    def _batch(self, batch: Sequence[Material]) -> None:
        drafts: list[tuple[Material, Draft, tuple[Chunk, ...]]] = []
        prompts = [WRITE[m.kind](material=m.text, **({"link": m.link} if m.kind == "pair" else {})) for m in batch]
        replies = self._ask("write", prompts, Draft)
        for material, reply in zip(batch, replies, strict=True):
            draft = getattr(reply, "parsed", None)
            if draft is None:
                self._reject(material, None, "no readable draft" if not isinstance(reply, Exception) else "call failed")
                continue
            spans = tuple(span for quote in draft.evidence if (span := quoted(quote, material.chunks)) is not None)
            reason = flaw(material, draft, spans) or self._known(draft)
            if reason:
                self._reject(material, draft, reason)
            else:
                drafts.append((material, draft, spans))
        drafts = self._judged(drafts, "closed_book", [CLOSED_BOOK(question=d.question) for _, d, _ in drafts])
        evidence = ["\n".join(span.text for span in spans) for _, _, spans in drafts]
        prompts = [ANSWER(material=text, question=d.question) for text, (_, d, _) in zip(evidence, drafts, strict=True)]
        for material, draft, spans in self._judged(drafts, "from_evidence", prompts):
            if material.kind == "whole" and (reason := self._elsewhere(material, draft)):
                self._reject(material, draft, reason)
            else:
                self._accept(material, draft, spans)

    def _elsewhere(self, material: Material, draft: Draft) -> str:
        """Why a count or list over one stretch is not the whole answer; empty when no other stretch adds to it."""
        others = [chunk.text for chunk in self._stretches if chunk not in material.chunks]
        replies = self._ask("elsewhere", [ANSWER(material=text, question=draft.question) for text in others])
        if any(isinstance(reply, Exception) for reply in replies):
            return "call failed"
        return "" if all(abstains(reply.text) for reply in replies) else "other places bear on it too"

    def _judged(
        self, drafts: Sequence[tuple[Material, Draft, tuple[Chunk, ...]]], step: str, prompts: Sequence[Messages]
    ) -> list[tuple[Material, Draft, tuple[Chunk, ...]]]:
        """The drafts that pass: not answered right closed-book, answered right from their evidence."""
        kept = []
        for entry, reply in zip(drafts, self._ask(step, prompts), strict=True):
            right = not isinstance(reply, Exception) and is_answer(reply.text, entry[1].answer)
            if isinstance(reply, Exception):
                self._reject(entry[0], entry[1], "call failed")
            elif step == "closed_book" and right:
                self._reject(entry[0], entry[1], "answerable without the text")
            elif step == "from_evidence" and not right:
                self._reject(entry[0], entry[1], "not answered from its evidence")
            else:
                kept.append(entry)
        return kept

    def _ask(self, step: str, prompts: Sequence[Messages], schema: type[Draft] | None = None) -> list[Any]:
        from workbench.llm.gateway import CallTag
        from workbench.llm.model import ChatRequest, temperature_of

        if not prompts:
            return []
        tokens = min(_REPLY_TOKENS if schema else 100, self._gateway.model.max_output_tokens)
        warmth = temperature_of(self._gateway.model)
        requests = [ChatRequest(messages, tokens, warmth) for messages in prompts]
        tags = [
            CallTag(
                self._run_id, None, self._context.context_id, "build", step,
                call_id=combined_hash(self._run_id, step, *(m.content for m in messages))[:24],
            )
            for messages in prompts
        ]  # fmt: skip
        replies = self._gateway.complete_many(requests, tags, schema)
        for reply in replies:
            if isinstance(reply, RunStopped | StoreError):
                raise reply
            self._listen(reply)
        return list(replies)

    def _listen(self, reply: Any) -> None:
        """Raise RunStopped when the model's first replies all say nothing: the next would not either."""
        if not isinstance(reply, NoText):
            self._said = self._said or not isinstance(reply, Exception)
            return
        self._silent += 1
        if self._silent >= _SILENT and not self._said:
            option = f"; try it with -o '{reply.advice.replace(': ', '=', 1)}'" if reply.advice else ""
            raise RunStopped(f"the model says nothing in its first {self._silent} replies ({reply}){option}")

    def _known(self, draft: Draft) -> str:
        """Why a draft is no new question. One that stands in the file already, by its id, is not its own duplicate."""
        mine = question_id(draft)

        def among(rows: Iterable[Mapping[str, Any]]) -> bool:
            return any(alike(draft.question, str(row["question"])) for row in rows)

        if mine in self._earlier.dropped or among(self._earlier.dropped.values()):
            return "dropped in review"
        kept = [] if mine in self._earlier.kept else self._earlier.kept.values()
        return "duplicate" if among(self._done.rows) or among(kept) else ""

    def _accept(self, material: Material, draft: Draft, spans: Sequence[Chunk]) -> None:
        if reason := self._known(draft):
            return self._reject(material, draft, reason)
        if row := self._earlier.kept.get(question_id(draft)):
            self._done.rows.append(row)
            return None
        evidence = [{"document_id": s.document_id, "start": s.start, "end": s.end} for s in spans]
        self._done.rows.append(
            {
                "question_id": question_id(draft),
                "question": draft.question.strip(),
                "answers": [draft.answer.strip()],
                "evidence": evidence,
                "task": {"single": "single_chunk", "pair": "multi_hop", "whole": "aggregation"}[material.kind],
                "hops": {"single": 1, "pair": 2, "whole": len(spans)}[material.kind],
                "status": "new",
            }
        )
        return None

    def _reject(self, material: Material, draft: Draft | None, reason: str) -> None:
        told = draft.model_dump() if draft else {}
        self._done.rejected.append({"reason": reason, "kind": material.kind, **told})
