"""RepoQA as SCBench scores it (microsoft/MInference, scbench at fb56c91): is the function repeated that was described?

The reply's function is compared with all functions that are asked about in its repository, by sentence BLEU over words
between white space (nltk, Chen and Cherry's fourth smoothing). Right is a reply that is most like the wanted one, and
as like as the threshold asks. Deviation: of a reply's code block the first function is taken in Python alone, which can
be parsed here; in other languages the whole block counts (the official code has tree-sitter for them).
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Sequence

from workbench.evaluation.metrics._registry import metric_function

THRESHOLD = 0.8  # the similarity that SCBench reports its score at
_BLOCK = re.compile(r"^```(?:\w+)?\s*\n(.*?)(?=^```)```", re.DOTALL | re.MULTILINE)


def function_of(reply: str, lang: str = "") -> str:
    """The function in a reply: of its code blocks the first function when the language is Python, else the first block;
    a reply without blocks is taken whole.

    >>> function_of("Here:\\n```python\\nimport x\\n\\ndef f():\\n    return 1\\n```", "python")
    'def f():\\n    return 1'
    """
    blocks = _BLOCK.findall(reply.strip())
    if not blocks:
        return reply.strip()
    if lang == "python":
        for block in blocks:
            try:
                tree = ast.parse(textwrap.dedent(block))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
            if functions:
                first = min(functions, key=lambda node: (node.lineno, node.col_offset))
                return ast.get_source_segment(textwrap.dedent(block), first) or block
    return str(blocks[0])


def function_similarity(said: str, wanted: str) -> float:
    """Sentence BLEU of two functions, 0 to 1."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    said_words, wanted_words = re.split(r"\s+", said.strip()), re.split(r"\s+", wanted.strip())
    return float(sentence_bleu([wanted_words], said_words, smoothing_function=SmoothingFunction().method4))


@metric_function(1, needs=("function", "functions"), reads=("lang",), own_rule=True)
def scbench_repoqa_similarity(
    prediction: str, references: list[str], *, function: str, functions: Sequence[Sequence[str]], lang: str = ""
) -> float:
    """How like the wanted function a reply is, 0 where it is more like another one: the score at a threshold is the
    share of replies that reach it. `function` is the wanted one's name, `functions` are name and code of all."""
    said = function_of(prediction, lang)
    best, most = None, 0.0
    for name, code in functions:
        similarity = function_similarity(said, code)
        if similarity > most:  # of equal ones the first, as officially
            best, most = name, similarity
    return min(1.0, most) if best == function else 0.0


@metric_function(1, needs=("function", "functions"), reads=("lang",), own_rule=True)
def scbench_repoqa(
    prediction: str, references: list[str], *, function: str, functions: Sequence[Sequence[str]], lang: str = ""
) -> float:
    """1 when the reply is most like the wanted function and 0.8 like it or more (pass@1)."""
    like = scbench_repoqa_similarity(prediction, references, function=function, functions=functions, lang=lang)
    return float(like >= THRESHOLD)
