"""The RAG-versus-long-context workbench: retrieve, or read everything? Measured per corpus, question and model.

Public names load on first use, so that `import workbench` stays light:

>>> import workbench as wb
>>> wb.Document("d1", "Some text.").document_id
'd1'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.analysis.compare import compare
    from workbench.catalogue import register_pipeline
    from workbench.engine.plan import plan
    from workbench.engine.runner import RunSummary, run
    from workbench.errors import InputError, WorkbenchError
    from workbench.experiment.schema import Experiment
    from workbench.method.prompts import Prompt
    from workbench.method.protocol import Bench, MethodCard, Pipeline, Portion
    from workbench.records import Answer, Call, Chunk, Context, Corpus, Document, Hit, Question, Reply, Score
    from workbench.runlog.reader import open_log as open

_PUBLIC = {
    "Answer": "workbench.records",
    "Bench": "workbench.method.protocol",
    "Call": "workbench.records",
    "Chunk": "workbench.records",
    "Context": "workbench.records",
    "Corpus": "workbench.records",
    "Document": "workbench.records",
    "Experiment": "workbench.experiment.schema",
    "Hit": "workbench.records",
    "InputError": "workbench.errors",
    "MethodCard": "workbench.method.protocol",
    "Pipeline": "workbench.method.protocol",
    "Portion": "workbench.method.protocol",
    "Prompt": "workbench.method.prompts",
    "Question": "workbench.records",
    "Reply": "workbench.records",
    "RunSummary": "workbench.engine.runner",
    "Score": "workbench.records",
    "WorkbenchError": "workbench.errors",
    "compare": "workbench.analysis.compare",
    "open": "workbench.runlog.reader:open_log",
    "plan": "workbench.engine.plan",
    "register_pipeline": "workbench.catalogue",
    "run": "workbench.engine.runner",
}
__version__ = "0.1.0"
__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    module, _, attribute = _PUBLIC[name].partition(":")
    value = getattr(import_module(module), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
