"""RepoQA as SCBench scores it (microsoft/MInference, scbench at fb56c91): did the reply repeat the described function?

The function in the reply is compared with all functions that the repository's questions ask about, by sentence BLEU
over words separated by white space (nltk, Chen and Cherry's fourth smoothing). A reply is right when it is most similar
to the wanted function, and at least as similar as the threshold. Deviation: the first function of a code block is
extracted for Python only; in other languages the whole block counts, where the official code uses tree-sitter.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Sequence

from workbench.evaluation.metrics._registry import metric_function

THRESHOLD = 0.8  # the similarity threshold of SCBench's reported score
_BLOCK = re.compile(r"^```(?:\w+)?\s*\n(.*?)(?=^```)```", re.DOTALL | re.MULTILINE)


def function_of(reply: str, lang: str = "") -> str:
    """The function in a reply: for Python the first function in its code blocks, else the first block; the whole reply
    when it has no code blocks.

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
    """Sentence BLEU between two functions, 0 to 1."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    said_words, wanted_words = re.split(r"\s+", said.strip()), re.split(r"\s+", wanted.strip())
    return float(sentence_bleu([wanted_words], said_words, smoothing_function=SmoothingFunction().method4))


@metric_function(1, needs=("function", "functions"), reads=("lang",), own_rule=True)
def scbench_repoqa_similarity(
    prediction: str, references: list[str], *, function: str, functions: Sequence[Sequence[str]], lang: str = ""
) -> float:
    """Similarity of the reply to the wanted function (BLEU); 0 when it is more similar to another one.

    The score at a threshold is the share of replies that reach it. `function` is the wanted function's name,
    `functions` the names and codes of all.
    """
    said = function_of(prediction, lang)
    best, most = None, 0.0
    for name, code in functions:
        similarity = function_similarity(said, code)
        if similarity > most:  # the first of equal ones, as in the official code
            best, most = name, similarity
    return min(1.0, most) if best == function else 0.0


@metric_function(1, needs=("function", "functions"), reads=("lang",), own_rule=True)
def scbench_repoqa(
    prediction: str, references: list[str], *, function: str, functions: Sequence[Sequence[str]], lang: str = ""
) -> float:
    """1 when the reply is most similar to the wanted function, with a similarity of 0.8 or more (pass@1)."""
    like = scbench_repoqa_similarity(prediction, references, function=function, functions=functions, lang=lang)
    return float(like >= THRESHOLD)
