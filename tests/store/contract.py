"""What every store must do, however its file came about: the tests as a class to inherit.

A subclass gives a `store` fixture that is open for writing and empty.
"""

from __future__ import annotations

import dataclasses

import pytest

from paretobench.domain.contention import Contention, Neighbour
from paretobench.errors import DataError, StoreError
from paretobench.store import Link, Store
from paretobench.store.rows import is_cell_row_unchanged
from tests.store import examples

ENCODE, PREFILL = examples.workload(0), examples.workload(1, "prefill")
HERE, THERE = examples.environment(0), examples.environment(1)


@pytest.fixture
def known(store: Store) -> Store:
    """The store with two environments and two workloads, to which cells may refer."""
    store.add_environments([HERE, THERE])
    store.add_workloads([ENCODE, PREFILL])
    return store


class StoreContract:
    """Inherit it and give a `store` fixture."""

    def test_a_cell_comes_back_as_it_was(self, known: Store) -> None:
        cell = examples.cell(ENCODE, HERE, sweep_key="ab" * 32, energy_j=0.1, status="suspect")
        assert known.add_cell(cell) is True
        assert known.cells() == [cell]
        assert known.stored_keys("cell") == {cell.key} == {known.cells()[0].key}

    def test_whole_seconds_keep_the_key_of_a_cell(self, known: Store) -> None:
        cell = examples.cell(ENCODE, HERE, load_s=1, samples_s=(1, 2), energy_j=3)
        known.add_cell(cell)
        assert known.cells()[0].key == cell.key

    def test_the_same_cell_twice_is_one_row(self, known: Store) -> None:
        cell = examples.cell(ENCODE, HERE)
        assert [known.add_cell(cell), known.add_cell(cell)] == [True, False]
        assert known.cell_count() == 1

    def test_a_cell_of_an_unknown_workload_is_refused_and_nothing_of_its_batch_stays(
        self, known: Store
    ) -> None:
        stray = examples.cell(examples.workload(9), HERE)
        with pytest.raises(StoreError, match="must be added before it"):
            known.add_cells([examples.cell(ENCODE, HERE), stray])
        assert known.cells() == []

    def test_a_sample_that_is_not_finite_is_refused(self, known: Store) -> None:
        with pytest.raises(DataError, match="every number finite"):
            known.add_cell(examples.cell(ENCODE, HERE, samples_s=(0.1, float("nan"))))
        assert known.cell_count() == 0

    def test_cells_are_chosen_by_environment_and_workload(self, known: Store) -> None:
        here = examples.cell(ENCODE, HERE, 1)
        there = examples.cell(ENCODE, THERE, 2)
        other = examples.cell(PREFILL, HERE, 3)
        known.add_cells([other, there, here])
        assert known.cells() == [here, there, other]
        assert known.cells(HERE.key) == [here, other]
        assert known.cells(workload_keys=[ENCODE.key]) == [here, there]
        assert known.cells(HERE.key, [PREFILL.key]) == [other]
        assert known.cells(HERE.key, []) == []

    def test_a_summary_is_the_cell_without_its_samples(self, known: Store) -> None:
        cell = examples.cell(ENCODE, HERE, samples_s=(0.4, 0.1, 0.2), facts={"phase": "rest"})
        known.add_cells([cell, examples.cell(PREFILL, THERE, 1)])
        (summary,) = known.cell_summaries(HERE.key)
        assert (summary.median_s, summary.sample_count) == (0.2, 3)
        names = ("key", "median_s", "load_s", "round_index", "canary_before_s", "peak_memory_bytes")
        for name in (*names, "phase"):
            assert getattr(summary, name) == getattr(cell, name)

    def test_single_cells_come_by_their_keys_in_the_order_of_their_starts(
        self, known: Store
    ) -> None:
        cells = [examples.cell(ENCODE, HERE, i) for i in range(3)]
        known.add_cells(cells)
        assert known.cells_by_key([cells[2].key, "nobody's", cells[0].key]) == [cells[0], cells[2]]
        assert known.cells_by_key([]) == []

    def test_environments_come_newest_first_with_their_last_observation(self, known: Store) -> None:
        assert known.add_environment(examples.environment(0, observed=600.0)) == HERE.key
        known.add_cells([examples.cell(ENCODE, HERE, 1), examples.cell(ENCODE, THERE, 2)])
        assert [found.key for found in known.environments()] == [THERE.key, HERE.key]
        assert known.environments()[1].observed == {"gflops": 600.0}

    def test_a_sweep_has_no_end_until_it_finished(self, known: Store) -> None:
        key = known.add_sweep(environment_key=HERE.key, **examples.SWEEP)
        (begun,) = known.sweeps()
        assert (begun.key, begun.finished_at, begun.exit_status) == (key, None, None)
        known.finish_sweep(key, "2026-11-20T12:30:00Z", 1, {"cells": 3})
        (ended,) = known.sweeps()
        assert (ended.key, ended.finished_at, ended.exit_status) == (key, "2026-11-20T12:30:00Z", 1)
        assert (ended.settings, ended.summary) == ({"fidelity": "quick"}, {"cells": 3})

    def test_points_come_back_with_their_links_by_sweep(self, known: Store) -> None:
        key = known.add_sweep(environment_key=HERE.key, **examples.SWEEP)
        small, large = (examples.point(ENCODE, PREFILL, px) for px in (256, 512))
        assert known.add_points(key, [small]) == 1
        assert known.add_points(None, [small, large]) == 1
        assert known.points(key) == [small]
        assert sorted(p.resolution_px for p in known.points()) == [256, 512]

    def test_a_point_relabelled_since_is_given_once_by_its_newest_plan(self, known: Store) -> None:
        old, new = (
            known.add_sweep(environment_key=HERE.key, **{**examples.SWEEP, "created_at": at})
            for at in ("2026-11-20", "2026-11-21")
        )
        before = examples.point(ENCODE, PREFILL)
        after = dataclasses.replace(before, described={"encoder": {"label": "Renamed"}})
        known.add_points(new, [after])
        known.add_points(old, [before])
        assert known.points() == [after]
        assert known.points(old) == [before]
        assert len(known.all_plans()) == 2

    def test_the_order_of_links_changes_no_key(self, known: Store) -> None:
        point = examples.point(ENCODE, PREFILL)
        turned = dataclasses.replace(point, links=tuple(reversed(point.links)))
        assert turned.key == point.key
        known.add_points(None, [turned])
        assert known.add_points(None, [point]) == 0

    def test_a_point_with_an_unknown_workload_is_refused(self, store: Store) -> None:
        with pytest.raises(StoreError, match="refuses a row"):
            store.add_points(None, [examples.point(ENCODE, PREFILL)])
        assert store.points() == []

    def test_passes_must_be_positive(self, known: Store) -> None:
        bad = examples.point(ENCODE, PREFILL, links=(Link("encode", ENCODE.key, 0),))
        with pytest.raises(StoreError, match="refuses a row"):
            known.add_points(None, [bad])

    def test_workloads_come_back_by_key(self, known: Store) -> None:
        assert known.workloads() == {ENCODE.key: ENCODE, PREFILL.key: PREFILL}
        assert known.workloads([PREFILL.key, "unknown"]) == {PREFILL.key: PREFILL}
        assert known.add_workloads([ENCODE]) == 0

    def test_of_two_labels_the_one_that_sorts_first_stays(self, store: Store) -> None:
        for label in ("b", "a", "c"):
            store.add_workloads([examples.workload(0, label=label)])
        assert store.workloads()[ENCODE.key].label == "a"

    def test_a_failure_is_current_until_retried(self, known: Store) -> None:
        failure = examples.failure(ENCODE, HERE, sweep_key="cd" * 32)
        assert known.add_failure(failure) is True
        assert known.failures(HERE.key, [ENCODE.key]) == [failure]
        assert known.failures(THERE.key) == []
        assert known.supersede_failures(HERE.key) == 1
        assert known.failures() == []
        assert known.failures(current=False) == [failure]
        again = examples.failure(ENCODE, HERE, 30)
        known.add_failure(again)
        assert known.failures() == [again]

    def test_a_later_good_cell_outdates_a_failure_and_an_earlier_one_does_not(
        self, known: Store
    ) -> None:
        known.add_failure(examples.failure(ENCODE, HERE, 30))
        known.add_cells([examples.cell(ENCODE, HERE, 10), examples.cell(ENCODE, THERE, 50)])
        known.add_cell(examples.cell(ENCODE, HERE, 40, status="suspect"))
        assert len(known.failures()) == 1
        known.add_cell(examples.cell(ENCODE, HERE, 40))
        assert known.failures() == []

    def test_scores_come_back_with_their_sources(self, store: Store) -> None:
        full = examples.score(1, 0.25, standard_error=0.01, n=500, is_partial=True, harness="lmms")
        assert store.add_scores([examples.score(0), full]) == 2
        assert store.add_scores([full]) == 0
        assert store.scores() == [examples.score(0), full]
        assert [score.key for score in store.scores()] == [examples.score(0).key, full.key]
        assert store.sources() == [examples.source(0), examples.source(1)]

    def test_scores_are_chosen_by_names(self, store: Store) -> None:
        gqa = examples.score(0, 0.6, benchmark="gqa", recipe="llava-1.5")
        store.add_scores([gqa, examples.score(0)])
        assert store.scores(benchmark="gqa") == [gqa]
        assert store.scores(recipe=["llava-1.5", "other"]) == [gqa]
        assert store.scores(encoder="vit_l14") == []

    @pytest.mark.parametrize("value", [-0.01, 1.01, 55.9, float("nan")])
    def test_a_score_that_is_no_fraction_is_refused(self, store: Store, value: float) -> None:
        with pytest.raises(DataError, match="divide percent by 100"):
            store.add_scores([examples.score(0), examples.score(1, value)])
        assert store.scores() == []

    def test_one_source_with_two_values_is_shown_and_both_are_kept(self, store: Store) -> None:
        store.add_scores([examples.score(0, 0.5), examples.score(0, 0.75), examples.score(1, 0.5)])
        (group,) = store.disagreements()
        assert sorted(score.value for score in group) == [0.5, 0.75]

    def test_what_others_did_meanwhile_comes_back_and_decides_the_median(
        self, known: Store
    ) -> None:
        seen = Contention(2, (0.0, 0.02, 0.6), (2,), neighbours=(Neighbour("make", 1.2),))
        cell = examples.cell(ENCODE, HERE, 7, 0.5, contention=seen)
        assert known.add_cell(cell)
        assert known.cells(workload_keys=[ENCODE.key])[-1] == cell
        summary = known.cell_summaries(workload_keys=[ENCODE.key])[-1]
        assert (summary.key, summary.median_s, summary.sample_count) == (cell.key, 0.375, 2)
        assert all(is_cell_row_unchanged(row) for rows in known.cell_rows() for row in rows)

    def test_task_runs_come_back_and_twice_is_once(self, store: Store) -> None:
        runs = [examples.task_run(0, is_partial=True), examples.task_run(1, load_s=None)]
        assert store.add_task_runs(runs) == 2
        assert store.add_task_runs(runs) == 0
        assert set(store.task_runs()) == set(runs)

    def test_a_transaction_that_fails_leaves_nothing(self, known: Store) -> None:
        with pytest.raises(RuntimeError), known.transaction():
            known.add_cell(examples.cell(ENCODE, HERE))
            known.add_scores([examples.score()])
            raise RuntimeError
        assert (known.cells(), known.scores(), known.sources()) == ([], [], [])
        known.add_cell(examples.cell(ENCODE, HERE))
        assert known.cell_count() == 1

    def test_it_is_sound(self, known: Store) -> None:
        known.add_cell(examples.cell(ENCODE, HERE))
        assert known.integrity_check() == []
