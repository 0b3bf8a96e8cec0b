"""The names that a method needs, under one address: `from workbench.pipeline import Bench, MethodCard, Prompt`.

They are defined in `workbench.method`.
"""

from workbench.method.prompts import (
    ANSWER_RULE,
    REFUSAL,
    Messages,
    Prompt,
    refuses,
    render_documents,
    render_question,
)
from workbench.method.protocol import Bench, MethodCard, Pipeline, Portion, Retriever

__all__ = [
    "ANSWER_RULE",
    "REFUSAL",
    "Bench",
    "Messages",
    "MethodCard",
    "Pipeline",
    "Portion",
    "Prompt",
    "Retriever",
    "refuses",
    "render_documents",
    "render_question",
]
