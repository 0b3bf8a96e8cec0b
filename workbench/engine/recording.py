"""Between a run and its log: the calls of a question until it ends, answers read back, errors as one line."""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.experiment.budget import Ledger, Spending
from workbench.llm.accounting import Payment
from workbench.records import Answer, Call, Chunk, Context, Hit

if TYPE_CHECKING:
    from workbench.llm.cache import ResponseCache
    from workbench.runlog.store import RunLog


class Recorder:
    """Receives every finished call: writes it to the log, counts its cost, keeps it until its question ends."""

    def __init__(self, log: RunLog, ledger: Ledger, cache: ResponseCache | None = None) -> None:
        self.session_id = uuid.uuid4().hex
        self._cache = cache
        self._log = log
        self._ledger = ledger
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str], list[tuple[Call, str | None]]] = defaultdict(list)

    def __call__(self, call: Call, prompt: str, reply: str | None) -> None:
        self._record(call, prompt, reply, aside=False)

    def aside(self, call: Call, prompt: str) -> None:
        """A call that is not to the run's model (embeddings, reranks): it stands before the others, so that the last of
        a question's calls is still its answer, and its prompt is none that a prefix cache could know."""
        if self._cache is not None and not call.from_cache:  # what the run's model is paid is kept with its replies
            self._cache.pay(Payment.of(self.session_id, call))
        self._record(call, prompt, None, aside=True)

    def _record(self, call: Call, prompt: str, reply: str | None, *, aside: bool) -> None:
        with self._lock:  # so that a smaller sum never takes the place of a larger one
            paid = self._ledger.add(call)
            if not call.from_cache:
                self._log.add_spending(self.session_id, call.run_id, **paid._asdict())
            held = self._held[call.run_id, call.question_id or call.context_id or ""]
            held.insert(0 if aside else len(held), (call, None if aside else prompt))
        self._log.add_call(call, prompt, reply)

    def take(self, run_id: str, owner: str) -> tuple[list[Call], list[str]]:
        """The calls of a question (or of a context's build) in order of completion, and the prompts of those that went
        to the run's model."""
        with self._lock:
            held = self._held.pop((run_id, owner), [])
        return [call for call, _ in held], [prompt for _, prompt in held if prompt is not None]


def earlier_spending(log: RunLog, cache: ResponseCache, run_ids: Sequence[str]) -> list[Spending]:
    """What earlier sessions have paid for these runs. A session that was killed has left the last of it in the
    response cache only; it is in the run log from now on."""
    logged = log.spent(run_ids)
    kept = cache.payments({session for session, _ in logged})
    paid = {key: Spending(*spent).at_least(kept.get(key, spent)) for key, spent in logged.items()}
    for (session, run), spending in paid.items():
        if spending != logged[session, run]:
            log.add_spending(session, run, **spending._asdict())
    return list(paid.values())


def stored_answer(stored: Mapping[str, Any], context: Context) -> Answer:
    """An answer read back from the log."""
    return Answer(
        text=stored["text"],
        hits=tuple(
            Hit(Chunk.of(context.document(document_id), start, end), score, rank)
            for document_id, start, end, score, rank in stored["hits"]
        ),
        citations=tuple(Chunk(**chunk) for chunk in stored["citations"]),
        dropped_tokens=stored["dropped_tokens"],
        abstained=stored["abstained"],
    )


def error_line(error: BaseException) -> str:
    """An error as one line for the log. Our own errors are quoted; any other is a bug and gets its type and place."""
    text = " ".join(str(error).split())[:500]
    if isinstance(error, WorkbenchError):
        return f"{type(error).__name__}: {text}"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{place}: {text}"
