"""Means, intervals and tables over the seeds of a study."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ms_defrcn.study_table import (
    Cell,
    Score,
    interval_of,
    metrics_of,
    old_table,
    study_lines,
    summary,
    to_json,
)


def score(shots: int, seed: int, **metrics: float | None) -> Score:
    return Score(Cell(shots, seed), metrics)


FSOD = [score(1, 0, AP=0.1, AP50=0.2, nAP=0.1), score(1, 1, AP=0.2, AP50=0.3, nAP=0.2)]


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_the_interval_is_the_published_formula(values: list[float]) -> None:
    interval = interval_of(values)
    assert interval.count == len(values)
    assert interval.half_width is not None
    np.testing.assert_allclose(interval.mean, np.mean(values), atol=1e-12)
    wanted = 1.96 * np.std(values) / math.sqrt(len(values))
    np.testing.assert_allclose(interval.half_width, wanted, atol=1e-9)


def test_one_seed_has_no_interval() -> None:
    assert interval_of([0.25]) == summary([score(5, 3, AP=0.25)])[5]["AP"]
    assert interval_of([0.25]).half_width is None


def test_a_class_without_objects_is_left_out_of_the_mean() -> None:
    rows = [score(2, 0, nAP=0.5, bAP=None), score(2, 1, nAP=None, bAP=None), score(2, 2, nAP=0.7)]
    intervals = summary(rows)[2]
    assert intervals["nAP"].mean == pytest.approx(0.6)
    assert intervals["nAP"].count == 2
    assert "bAP" not in intervals
    assert metrics_of(rows) == ("nAP",)


def test_columns_come_in_one_order_and_nobody_elses() -> None:
    assert metrics_of([score(1, 0, AP75=0.1, AR100=0.9, bAP=0.2, nAP=0.3)]) == ("nAP", "bAP", "AP75")


def test_the_table_to_print() -> None:
    lines = study_lines([*FSOD, score(10, 0, AP=0.3, AP50=0.5, nAP=0.3)])
    half = 100 * 1.96 * 0.05 / math.sqrt(2)
    assert [line.split()[0] for line in lines] == ["shots", "1", "10"]
    assert lines[0].split() == ["shots", "seeds", "nAP", "AP", "AP50"]
    assert f"15.00 ± {half:.2f}" in lines[1]
    assert lines[2].split() == ["10", "1", "30.00", "30.00", "50.00"]
    assert len({len(line) for line in lines}) == 1


def test_the_originals_text_table() -> None:
    rows = [score(1, 4, nAP=0.2, AP=0.25), score(1, 0, nAP=0.1, AP=0.15), score(2, 0, nAP=0.3, AP=0.3)]
    assert old_table(rows) == (
        "--> 1-shot\n"
        "|   | nAP   | AP    |\n"
        "|:--|:------|:------|\n"
        "| 0 | 10.00 | 15.00 |\n"
        "| 1 | 20.00 | 25.00 |\n"
        "| μ | 15.00 | 20.00 |\n"
        "| c | 6.93  | 6.93  |\n"
        "\n"
        "--> 2-shot\n"
        "|   | nAP   | AP    |\n"
        "|:--|:------|:------|\n"
        "| 0 | 30.00 | 30.00 |\n"
        "| μ | 30.00 | 30.00 |\n"
        "| c | 0.00  | 0.00  |\n"
        "\n"
    )


def test_json_has_every_seed_and_the_summary() -> None:
    content = to_json([*reversed(FSOD)])
    assert content["cells"] == [
        {"shots": 1, "seed": 0, "AP": 0.1, "AP50": 0.2, "nAP": 0.1},
        {"shots": 1, "seed": 1, "AP": 0.2, "AP50": 0.3, "nAP": 0.2},
    ]
    (row,) = content["summary"]  # type: ignore[misc]
    assert isinstance(row, Mapping)
    assert row["shots"] == 1
    assert row["nAP"]["mean"] == pytest.approx(0.15)
    assert row["nAP"]["seeds"] == 2


def test_nothing_yet_is_no_mistake() -> None:
    assert summary([]) == {}
    assert old_table([]) == ""
    assert study_lines([]) == ["shots  seeds"]
