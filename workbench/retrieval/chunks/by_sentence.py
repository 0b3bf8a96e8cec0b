"""Splitters by sentence: one a chunk, as many as fit, and small chunks with larger ones to be read in their place."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from workbench.retrieval.chunks.chunking import pack_spans
from workbench.retrieval.chunks.splitter_job import Job, Pieces, sentence_starts, tiles
from workbench.text import sentence_spans


def single(text: str, job: Job) -> Pieces:
    """One chunk a sentence, without the white space around it."""
    return list(sentence_spans(text))


def packed(text: str, job: Job) -> Pieces:
    """Whole sentences, as many as fit."""
    return tiles(text, [], sentence_starts(text), job)


def window(text: str, job: Job) -> tuple[Pieces, Pieces]:
    """Single sentences are searched; they are read with the three before and after them (`window:3`)."""
    if not text:
        return [], []
    bounds = [0, *sentence_starts(text)[1:], len(text)]
    reach, last = job.number(3), len(bounds) - 1
    small = list(pairwise(bounds))
    wide = [(bounds[max(0, i - reach)], bounds[min(last, i + reach + 1)]) for i in range(len(small))]
    return small, wide


def hierarchical(text: str, job: Job) -> tuple[Pieces, Pieces]:
    """Children of 128 tokens (`hierarchical:128`) are searched; their parents of `chunk_tokens` are read. Parents do
    not overlap: a text that two of them shared would be read twice."""
    child = min(job.number(128), job.chunk_tokens)
    small: Pieces = []
    wide: Pieces = []
    for begin, end in packed(text, replace(job, overlap=0)):
        part = text[begin:end]
        inside = pack_spans(part, sentence_starts(part), child, job.count)
        small += [(begin + a, begin + b) for a, b in inside]
        wide += [(begin, end)] * len(inside)
    return small, wide
