"""The names that a method needs, in one place: `from workbench.pipeline import Bench, MethodCard, Prompt`.

They live in `workbench.method`; this module hands them on, so that a method needs to know one address.
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
