"""An experiment's names against the catalogues, and its entries against each other."""

from __future__ import annotations

from collections.abc import Sequence

from workbench import catalogue
from workbench.errors import InputError, UnknownName
from workbench.experiment.schema import Entry, Experiment
from workbench.experiment.sweeps import variants
from workbench.experiment.wrong_values import known


def checked(experiment: Experiment) -> Experiment:
    """The experiment, when every name in it is known and nothing stands in it twice.

    Raises UnknownName for a corpus, metric, pipeline, option or baseline, InputError for what appears twice.
    """
    from workbench.evaluation.metrics import metric

    _no_entry_twice(experiment.corpora, "corpora", experiment)
    _no_entry_twice(experiment.models, "models", experiment)
    for number, entry in enumerate(experiment.corpora):
        known(catalogue.corpus, entry.name.partition("@")[0], experiment, f"corpora.{number}")
    for number, name in enumerate(experiment.metrics or ()):
        known(metric, name, experiment, f"metrics.{number}")
    labels = [variant.label for variant in variants(experiment)]
    methods = {variant.method for variant in variants(experiment)}
    doubled = {label for label in labels if labels.count(label) > 1}
    if doubled:
        raise InputError(
            f"{sorted(doubled)[0]!r} appears twice", file=experiment.source, field="pipelines", fix="keep one"
        )
    if experiment.baseline and experiment.baseline not in labels and experiment.baseline not in methods:
        raise UnknownName("baseline", experiment.baseline, labels, file=experiment.source, field="baseline")
    return experiment


def _no_entry_twice(entries: Sequence[Entry], field: str, experiment: Experiment) -> None:
    for number, entry in enumerate(entries):
        if entry in entries[:number]:
            raise InputError(
                f"{entry.name!r} appears twice", file=experiment.source, field=f"{field}.{number}", fix="keep one"
            )
