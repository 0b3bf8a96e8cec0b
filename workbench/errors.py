"""All errors that the workbench raises on purpose.

    WorkbenchError
    ├── InputError              the user's file, field or argument is wrong: one line, exit code 2
    │   └── UnknownName         a pipeline, corpus, metric or model that no catalogue holds
    ├── ContextOverflow         a prompt is longer than the model's window
    ├── RunStopped              no more calls are made; the run stops cleanly and can be resumed
    │   ├── BudgetReached       the experiment's budget is spent
    │   └── ModelUnusable       the provider refuses every call: the key, the model's name or the quota is the reason
    ├── MethodError             a pipeline broke its own contract (a bug in a method file)
    ├── StoreError              the run log or a cache cannot be opened, or is not ours
    └── ModelError              the model call failed for good, after the retries that its kind allows
        ├── RateLimited         429, or the provider's own words for it
        ├── ModelTimeout        no reply, or no next token, within the deadline
        ├── ServerGone          connection refused, or the circuit breaker is open
        ├── BadReply            a malformed reply: cut JSON, no choices, a stream without an end
        │   └── NoText          a reply that is none: no visible text, withheld by a filter, refused by the model
        └── RequestRefused      the server says that the request itself is wrong (4xx): retrying cannot help
            └── QuotaSpent      the account has nothing left

`InputError` is raised before any money is spent. `ModelError` and its kinds are recorded with the question that failed
because of them.
"""

from __future__ import annotations

from typing import Any


class WorkbenchError(Exception):
    """Base of all errors raised on purpose. Its text can be shown to a user."""


class InputError(WorkbenchError):
    """The user's input is wrong. The message is one line: where, what, and how to fix it."""

    def __init__(self, problem: str, *, file: object = None, field: str | None = None, fix: str | None = None) -> None:
        where = ": ".join(str(part) for part in (file, field) if part)
        line = f"{where}: {problem}" if where else problem
        super().__init__(f"{line} — {fix}" if fix else line)
        self.problem, self.file, self.field, self.fix = problem, file, field, fix


class UnknownName(InputError):
    """A name that no catalogue holds. The message gives the nearest name and all known names."""

    def __init__(
        self, kind: str, name: str, known: list[str], *, file: object = None, field: str | None = None
    ) -> None:
        from difflib import get_close_matches

        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        super().__init__(
            f"unknown {kind} {name!r}", file=file, field=field, fix=f"{hint}known: {', '.join(sorted(known))}"
        )
        self.kind, self.name = kind, name


class ContextOverflow(WorkbenchError):
    """A prompt and its reply do not fit the model's window. Token counts are our own.

    Found before anything is sent, unless `said` holds the server's own words. Then `fits` is the window that follows
    from them, in our tokens, and `spent` is the `Completion` that was paid for, if any.
    """

    spent: Any = None

    def __init__(
        self, prompt_tokens: int, reply_tokens: int, window: int, *, said: str = "", fits: int | None = None
    ) -> None:
        asked = f"prompt of {prompt_tokens:,} tokens and reply of {reply_tokens:,}"
        if said:
            super().__init__(f"{asked} do not fit, says the server: {said}")
        else:
            super().__init__(f"{asked} exceed the window of {window:,} tokens")
        self.prompt_tokens, self.reply_tokens, self.window = prompt_tokens, reply_tokens, window
        self.said, self.fits = said, fits


class RunStopped(WorkbenchError):
    """No more calls are made."""


class BudgetReached(RunStopped):
    """The experiment's budget is spent."""


class ModelUnusable(RunStopped):
    """The provider refuses every call to a model."""


class MethodError(WorkbenchError):
    """A pipeline broke the contract of `workbench.method.protocol`."""


class StoreError(WorkbenchError):
    """A database or cache file cannot be used."""


class ModelError(WorkbenchError):
    """A model call failed. `spent` is the `Completion` that had arrived by then, if the server bills for it."""

    spent: Any = None


class RateLimited(ModelError):
    """The provider asks for fewer calls; `retry_after` is the wait in seconds, if it gave one."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelTimeout(ModelError):
    """The model did not answer in time."""


class ServerGone(ModelError):
    """No server answers at the model's address."""


class BadReply(ModelError):
    """The server's answer is not a well-formed reply, or breaks off."""

    ended = "broken"


class NoText(BadReply):
    """The reply says nothing to its reader, and a retry would not either. `ended` is the way in which it ended:
    `empty`, `withheld` or `refused`; `advice` the line of an experiment that would mend it, if one would."""

    def __init__(self, message: str, ended: str = "empty", advice: str = "") -> None:
        super().__init__(message)
        self.ended, self.advice = ended, advice


class RequestRefused(ModelError):
    """The server refuses the request because of what it contains; retrying cannot help. `status` is the HTTP status, if
    any."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class QuotaSpent(RequestRefused):
    """The account has no credit or quota left."""
