from __future__ import annotations

import gc

import pytest

from workbench.engine.collector import rarer_collections


def test_what_was_set_is_set_again() -> None:
    before = gc.get_threshold()
    with pytest.raises(RuntimeError), rarer_collections():
        assert gc.get_threshold()[0] >= 20_000
        assert gc.get_freeze_count() > 0
        raise RuntimeError
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_what_the_caller_froze_stays_frozen() -> None:
    gc.freeze()
    try:
        with rarer_collections():
            pass
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_a_collector_that_is_off_stays_off() -> None:
    before = gc.get_threshold()
    gc.set_threshold(0)
    try:
        with rarer_collections():
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)


def test_of_runs_that_overlap_the_last_one_sets_it_again_in_whatever_order_they_end() -> None:
    before = gc.get_threshold()
    first, second = rarer_collections(), rarer_collections()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold()[0] >= 20_000 and gc.get_freeze_count() > 0  # the second one still runs
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before and gc.get_freeze_count() == 0
