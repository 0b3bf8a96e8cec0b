"""How fast every generator makes a text of 128k tokens, against tiktoken merely counting the same text.

python benchmarks/generators.py [--tokens 128000]        target: 200,000 tokens/s each
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from workbench import catalogue
from workbench.text import count_tokens

ONE: dict[str, dict[str, Any]] = {  # as little as makes one text
    "ada_leval": {"samples": 1}, "ancestral_trace": {"tasks": "multi_needle", "depths": 1, "needles": 4},
    "babilong": {"samples": 1, "tasks": "qa3"}, "chat_history": {"questions": 7}, "holobench": {"tasks": "join"},
    "kg_qagen": {"questions": 5}, "long_bio": {"samples": 1, "tasks": "standard"},
    "long_proc": {"samples": 1, "tasks": "path_traversal"}, "needle": {"depths": 1},
    "needle_threading": {"samples": 1, "tasks": "single_thread"},
    "nolima": {"pairs": 1, "tasks": "onehop", "orders": "default"}, "oolong": {"sets": "news", "questions": 3},
    "ruler": {"samples": 1, "tasks": "niah_multikey_2"}, "sort": {"samples": 1, "tokenizer": "o200k_base"},
    "world": {"contexts": 1, "questions": 7},
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=128_000)
    wanted = parser.parse_args().tokens
    slow = []
    print(f"{'generator':18} {'texts':>5} {'tokens':>10} {'tokens/s':>12} {'times of counting':>18}")
    for name, options in ONE.items():
        load = catalogue.corpus(name)
        load(**{**options, "tokens": 5_000})  # what is loaded once is not timed
        started = time.perf_counter()
        corpus = load(**{**options, "tokens": wanted})
        seconds = time.perf_counter() - started
        texts = [document.text for context in corpus.contexts.values() for document in context.documents]
        started = time.perf_counter()
        made = sum(map(count_tokens, texts))
        counting = time.perf_counter() - started
        print(f"{name:18} {len(corpus.contexts):5} {made:10,} {made / seconds:12,.0f} {seconds / counting:18.1f}")
        if made / seconds < 200_000:
            slow.append(name)
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
