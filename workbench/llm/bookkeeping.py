"""What is left of a finished call: its reply in the response cache, what was paid for it, and its record.

A reply is in the cache before anyone uses it, and in one transaction with what was paid for it. A call that failed for
good leaves a record and a payment, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from workbench.errors import NoText, WorkbenchError
from workbench.llm import structured
from workbench.llm.accounting import CallTag, Payment, Record, Spent, call_record, render, shared_characters
from workbench.llm.cache import ResponseCache, cache_key
from workbench.llm.endings import KEPT, is_same_model, kind_of_end, told_apart
from workbench.llm.model import ChatRequest, Completion, Model
from workbench.llm.prices import Price
from workbench.records import Call


@dataclass(frozen=True, slots=True)
class Served:
    """A reply, new or from the cache. Where a schema was asked for, `parsed` is the object in it, or else `problem`
    says what is wrong with it."""

    completion: Completion
    parsed: BaseModel | None
    problem: str

    @classmethod
    def of(cls, completion: Completion, schema: type[BaseModel] | None) -> Served:
        """A reply, parsed by its schema."""
        parsed, problem = structured.parse(completion.text, schema) if schema else (None, "")
        return cls(completion, parsed, problem)


class Bookkeeper:
    """Keeps and replays the calls of one model. Thread-safe as far as the cache and `record` are.

    `fresh` replays nothing. `record` receives every finished call with its prompt and reply. Where a `session` is
    named, what is paid is kept in the cache under its name.
    """

    def __init__(
        self,
        model: Model,
        *,
        price: Price | None,
        cache: ResponseCache | None,
        fresh: bool,
        record: Record | None,
        session: str,
    ) -> None:
        self._model = model
        self._identity: str = getattr(model, "cache_identity", model.name)
        self._price = price
        self._cache = cache
        self._fresh = fresh
        self._record = record
        self._session = session
        self._served: str | None = None  # the first name by which a server of one's own has called its model

    @property
    def replays(self) -> bool:
        """Whether a call can be answered from the cache."""
        return self._cache is not None and not self._fresh

    def key(self, request: ChatRequest) -> str:
        """What the reply to a request is kept under."""
        return "" if self._cache is None else cache_key(self._identity, request)

    def replayed(self, key: str, request: ChatRequest, tag: CallTag, schema: type[BaseModel] | None) -> Served | None:
        """The kept reply, recorded as a call of its own; None where the cache has none that can be used."""
        if self._cache is None or self._fresh:
            return None
        kept = self._cache.get(key)
        if kept is None:
            return None
        kept = told_apart(kept, self._model.count)
        if kind_of_end(kept.finish_reason, kept.text) not in KEPT:  # kept by an earlier version
            return None
        served = Served.of(kept, schema)
        if schema is not None and served.parsed is None:  # kept by another version of the method's schema
            return None
        if self._record is not None:
            prompt = render(request.messages)
            shared = shared_characters(request.messages)
            call = call_record(self._model, self._price, tag, prompt, None, completion=kept, shared=shared)
            self._record(call, prompt, kept.text)
        return served

    def keep(self, key: str, request: ChatRequest, tag: CallTag, spent: Spent, served: Served, *, usable: bool) -> None:
        """Commit a new reply to the cache and record its call. A reply that cannot be parsed, and so is not `usable`,
        one without text, and one from another model than was asked for are recorded with their cost but not kept."""
        completion = served.completion
        prompt = render(request.messages)
        shared = shared_characters(request.messages)
        call = call_record(self._model, self._price, tag, prompt, spent, completion=completion, shared=shared)
        try:
            if self._cache is not None and usable and call.ended in KEPT and self._is_asked_model(completion):
                self._cache.put(key, self._model.name, request, completion, self._payment(call))
            else:
                self._pay(call)
        finally:  # with a full disk the reply cannot be kept, but it was paid for
            if self._record is not None:
                self._record(call, prompt, completion.text)

    def _is_asked_model(self, completion: Completion) -> bool:
        """Whether the model that was asked for has replied. A server of one's own may call its model what it likes, as
        long as it stays the same."""
        asked = getattr(self._model, "asked", None)
        if asked is None or is_same_model(asked, completion.served_model, self._model.aliases):  # type: ignore[attr-defined]
            return True
        if getattr(self._model, "names_bind", True):
            return False
        self._served = self._served or completion.served_model
        return self._served == completion.served_model

    def failed(self, request: ChatRequest, tag: CallTag, spent: Spent, error: WorkbenchError) -> None:
        """Record a call that failed for good, and what its attempts had used; a reply that says nothing is recorded as
        what it is, with its tokens and thoughts."""
        prompt = render(request.messages)
        shared = shared_characters(request.messages)
        silent: Completion | None = error.spent if isinstance(error, NoText) else None
        call = call_record(self._model, self._price, tag, prompt, spent, completion=silent, error=error, shared=shared)
        try:
            self._pay(call)
        finally:
            if self._record is not None:
                self._record(call, prompt, silent.text if silent else None)

    def _payment(self, call: Call) -> Payment | None:
        return Payment.of(self._session, call) if self._session else None

    def _pay(self, call: Call) -> None:
        """Commit the cost of a call that leaves no reply in the cache."""
        payment = self._payment(call)
        if self._cache is not None and payment is not None and (payment.usd or payment.tokens):
            self._cache.pay(payment)
