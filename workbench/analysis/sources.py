"""Reads the frames to compare: those of one experiment, or of several from one or more logs side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workbench.analysis.figures import OTHER_METRICS
from workbench.errors import InputError, UnknownName
from workbench.runlog.reader import RunLogReader

SCORE_COLUMNS = ["run_id", "question_id", "metric", "value"]
Source = str | Path | RunLogReader


@dataclass(frozen=True)
class Frames:
    """Runs, answers, index stages and scores as `RunLogReader` gives them, and notes on what was chosen or left out."""

    runs: pd.DataFrame
    answers: pd.DataFrame
    builds: pd.DataFrame
    scores: pd.DataFrame
    notes: tuple[str, ...] = ()


def read(sources: Sequence[Source], experiments: Sequence[str | None], *, scores: bool = True) -> Frames:
    """The frames of one experiment (id or name; None: the newest) from each log.

    With several sources, the experiment's name is added to pipelines that have the same name on the same corpus and
    model, or the log's name where the experiments' are the same, too. A run that two experiments of one log share is
    included once. Without `scores`, scores are read only where a benchmark's figures need them. Raises InputError
    naming the log when it has no answers yet or no such experiment.
    """
    readers = [source if isinstance(source, RunLogReader) else RunLogReader(source) for source in sources]
    parts = [_one(reader, experiment, scores) for reader, experiment in zip(readers, experiments, strict=True)]
    return parts[0] if len(parts) == 1 else _together(parts, [reader.path for reader in readers])


def _one(reader: RunLogReader, wanted: str | None, scores: bool) -> Frames:
    if not reader.exists:
        raise InputError("no such run log", file=reader.path, fix="run an experiment first: workbench run FILE")
    known = reader.experiments()
    notes: tuple[str, ...] = ()
    if wanted is None and len(known):
        wanted = str(known["experiment_id"].iloc[0])
        if len(known) > 1:
            count = Counter(known["name"])
            named = ", ".join(f"{name} ({number})" if number > 1 else str(name) for name, number in count.items())
            notes = (f"this is the newest of {len(known)} experiments in the log; others by their name: {named}",)
    elif wanted is not None and wanted not in {*known["experiment_id"], *known["name"]}:
        if known.empty:
            raise InputError("has not been run yet", file=reader.path, fix="run it first: workbench run FILE")
        raise UnknownName("experiment in this log", wanted, list(dict.fromkeys(known["name"])), file=reader.path)
    runs, answers = reader.runs(wanted), reader.answers(wanted)
    if runs.empty or answers.empty:
        raise InputError("holds no answers yet", file=reader.path, fix="run an experiment first: workbench run FILE")
    notes += _of_calls(reader.remarks(wanted), set(runs["model"]))
    runs, earlier = _newest_versions(runs)
    if earlier:
        notes = (*notes, f"{earlier} runs of earlier code or prompts are left out; the log keeps them")
        answers = answers[answers["run_id"].isin(runs["run_id"])]
    needed = scores or runs["corpus"].str.startswith(OTHER_METRICS).any()
    read_scores = reader.scores(wanted) if needed else pd.DataFrame(columns=SCORE_COLUMNS)
    return Frames(runs, answers, reader.builds(wanted), read_scores, notes)


def _of_calls(remarks: pd.DataFrame, models: set[str]) -> tuple[str, ...]:
    """Notes on calls: servers other than the runs' models whose price is unknown, parameters that a server refused, so
    that its replies are not quite what the experiment asks for, and token counts that cannot be true."""
    unpriced = remarks.loc[(remarks["unpriced"] > 0) & ~remarks["model"].isin(models), "model"].drop_duplicates()
    notes = [
        f"{server}: no price is known, so costs of what uses it are left out; give it one under prices:"
        for server in unpriced
    ]
    sent: Counter[tuple[str, str]] = Counter()
    for model, names, calls in zip(remarks["model"], remarks["left_out"], remarks["calls"], strict=True):
        if names:
            sent[model, " and ".join(names)] += calls
    for (model, refused), calls in sent.items():
        were = "1 call was" if calls == 1 else f"{calls:,} calls were"
        notes.append(f"{model}: refuses {refused}, so {were} sent without")
    odd = remarks[remarks["contradicted"] > 0]
    for model, group in odd.groupby("model", sort=False):
        told, calls = str(group["example"].iloc[0]), int(group["contradicted"].sum())
        counted = (
            "the token count of 1 call contradicts its prompt" if calls == 1 else f"token counts of {calls:,} calls"
        )
        counted = counted if calls == 1 else f"{counted} contradict their prompts"
        notes.append(f"{model!s}: {counted}: {told}")
    return tuple(notes)


def _newest_versions(runs: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The runs without earlier versions of them, and the number left out. Where an experiment was run again after a
    method's code or prompts changed, only the newest run is what the experiment does now."""
    same = [
        runs[name].astype(str) for name in ("experiment_id", "pipeline", "model", "model_options", "corpus", "seed")
    ]
    newest = runs.groupby(same, sort=False)["started_at"].transform("max")
    kept = runs[(runs["started_at"] == newest) | newest.isna()]
    return kept, len(runs) - len(kept)


def _together(parts: Sequence[Frames], paths: Sequence[Path]) -> Frames:
    """The frames of all sources as one, with unique run ids and pipeline names."""
    names = _names(parts, paths)
    seen: set[tuple[Path, str]] = set()
    taken: Counter[tuple[str, str, str]] = Counter()
    chosen: list[pd.DataFrame] = []
    for part, path in zip(parts, paths, strict=True):
        new = [(path.resolve(), run_id) not in seen for run_id in part.runs["run_id"]]
        seen |= {(path.resolve(), run_id) for run_id in part.runs["run_id"]}
        chosen.append(part.runs[new])
        taken.update(zip(chosen[-1]["pipeline"], chosen[-1]["model"], chosen[-1]["corpus_fingerprint"], strict=True))
    made: list[list[pd.DataFrame]] = []
    for number, (part, name, runs) in enumerate(zip(parts, names, chosen, strict=True)):
        keys = list(zip(runs["pipeline"], runs["model"], runs["corpus_fingerprint"], strict=True))
        label = {
            run_id: f"{key[0]} ({name})" if taken[key] > 1 else key[0]
            for run_id, key in zip(runs["run_id"], keys, strict=True)
        }
        frames = []
        for frame in (runs, part.answers, part.builds, part.scores):
            own = frame[frame["run_id"].isin(list(label))]
            if "pipeline" in own:
                own = own.assign(pipeline=own["run_id"].map(label))
            frames.append(own.assign(run_id=[f"{number + 1}:{run_id}" for run_id in own["run_id"]]))
        made.append(frames)
    runs, answers, builds, scores = (
        pd.concat([frame for frame in frames if len(frame)] or [frames[0]], ignore_index=True)
        for frames in zip(*made, strict=True)
    )
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    return Frames(runs, answers, builds, scores, notes)


def _names(parts: Sequence[Frames], paths: Sequence[Path]) -> list[str]:
    """Names that distinguish the sources: the experiments' names, else the logs' names, else numbers."""
    for names in ([str(part.runs["experiment"].iloc[0]) for part in parts], [path.stem for path in paths]):
        if len(set(names)) == len(names):
            return names
    return [str(number) for number in range(1, len(parts) + 1)]
