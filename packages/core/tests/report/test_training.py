"""Curves from the records of whole, interrupted and unevaluated runs."""

import numpy as np
from ms_core.report import training


def record(step: int, loss: float | None = 1.0, **more: float) -> dict:
    return {
        "kind": "train",
        "step": step,
        "epoch": step / 10,
        "loss": loss,
        "loss_box": 0.5,
        "lr": 0.1,
        **more,
    }


def evaluation(step: int, ap: float) -> dict:
    return {"kind": "evaluation", "step": step, "epoch": step / 10, "AP": ap}


def test_a_run_that_was_cut_off_and_resumed_has_one_line() -> None:
    first = [record(10), evaluation(10, 0.1), record(20), evaluation(20, 0.2), record(30, loss=9.0)]
    second = [record(20, loss=2.0), evaluation(20, 0.3), record(30, loss=3.0)]
    curves = training.training_curves([*first, *second])
    assert curves.training.epochs.tolist() == [1, 2, 3]
    assert curves.training.values["loss"].tolist() == [1, 2, 3]
    assert curves.evaluations.epochs.tolist() == [1, 2]
    assert curves.evaluations.values["AP"].tolist() == [0.1, 0.3]


def test_an_evaluation_that_follows_the_record_of_its_step_stays() -> None:
    curves = training.training_curves([record(10), evaluation(10, 0.1), record(20)])
    assert len(curves.evaluations.epochs) == 1
    assert len(curves.training.epochs) == 2


def test_panels_are_those_with_numbers() -> None:
    plain = training.training_curves([record(10), record(20)])
    assert list(training.training_panels(plain)) == ["Loss", "Parts of the loss", "Learning rate"]
    scaled = [
        record(10, scale=2.0, skipped=0, gradient_norm=1),
        record(20, scale=1.0, skipped=1, gradient_norm=2),
    ]
    curves = training.training_curves([*scaled, evaluation(20, 0.2)])
    expected = ["Evaluation", "Learning rate", "Gradient norm", "Loss scale and skipped steps"]
    assert list(training.training_panels(curves)) == ["Loss", "Parts of the loss", *expected]
    assert not training.training_curves([record(10, scale=1.0, skipped=0)]).has_scaling


def test_gaps_and_other_records() -> None:
    curves = training.training_curves([record(10, loss=None), {"kind": "note"}, {"kind": "train", "lr": 1}])
    assert np.isnan(curves.training.values["loss"]).all()
    assert not curves.training.has("loss")
    assert len(training.training_curves([]).training.epochs) == 0


def test_smoothing_is_a_running_mean_that_leaves_gaps_out() -> None:
    values = np.array([1.0, 2.0, np.nan, 4.0, 5.0])
    np.testing.assert_allclose(training.smooth(values, 3), [1.5, 1.5, 3.0, 4.5, 4.5])
    assert np.isnan(training.smooth(np.full(3, np.nan), 3)).all()


def test_thinning_keeps_every_spike() -> None:
    values = np.zeros(50_000)
    values[[777, 31_313]] = 9, -9
    x, y = training._thinned(np.arange(50_000.0), values)
    assert len(x) <= 2 * training._MOST_POINTS
    assert {777.0, 31_313.0} <= set(x.tolist())
    assert (y.max(), y.min()) == (9, -9)
    assert (x[0], x[-1]) == (0, 49_999)
