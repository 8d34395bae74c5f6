"""Callbacks: their order, and what each does."""

from __future__ import annotations

import csv
import io
import re
import sys

import numpy as np
import pytest

from weft import keras

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")


def network(rate=0.1, **compiled):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")]
    )
    model.compile(**{"optimizer": keras.optimizers.SGD(rate), "loss": "mse", **compiled})
    return model


class Recorder(keras.callbacks.Callback):
    """Remembers which hooks were called."""

    def __init__(self, *names):
        super().__init__()
        self.calls = []
        for name in names:
            setattr(
                self, name, lambda *args, _name=name, logs=None: self.calls.append(_name)
            )


class Order(keras.callbacks.Callback):
    """Writes down the common hooks with their numbers."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("train begin")

    def on_train_end(self, logs=None):
        self.calls.append(f"train end {sorted(logs)}")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} begin")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} end {sorted(logs)}")

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(f"batch {batch} begin")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(f"batch {batch} end {sorted(logs)}")

    def on_test_begin(self, logs=None):
        self.calls.append("test begin")

    def on_test_end(self, logs=None):
        self.calls.append("test end")


def test_order():
    order = Order()
    network().fit(X, Y, batch_size=20, epochs=1, verbose=0, callbacks=[order],
                  validation_data=(X, Y))  # fmt: skip
    assert order.calls == [
        "train begin",
        "epoch 0 begin",
        "batch 0 begin",
        "batch 0 end ['loss']",
        "batch 1 begin",
        "batch 1 end ['loss']",
        "test begin",
        "test end",
        "epoch 0 end ['loss', 'val_loss']",
        "train end ['loss', 'val_loss']",
    ]


def test_steps_per_execution():
    order = Order()
    network(steps_per_execution=3).fit(
        X, Y, batch_size=10, verbose=0, callbacks=[order], shuffle=False
    )
    assert [call for call in order.calls if call.startswith("batch")] == [
        "batch 0 begin", "batch 2 end ['loss']", "batch 3 begin", "batch 3 end ['loss']",
    ]  # fmt: skip


def test_stopping_by_hand():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 2

    assert len(network().fit(X, Y, epochs=9, verbose=0, callbacks=[Stop()]).epoch) == 3


def test_an_error_leaves_the_model_usable():
    class Fails(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise RuntimeError("no")

    model = network()
    with pytest.raises(RuntimeError, match="no"):
        model.fit(X, Y, verbose=0, callbacks=[Fails()])
    assert len(model.fit(X, Y, epochs=2, verbose=0).epoch) == 2


def test_early_stopping_restores_the_best(capsys):
    model = network(rate=0.0)
    stop = keras.callbacks.EarlyStopping(
        "loss", patience=2, restore_best_weights=True, verbose=1
    )
    weights = model.get_weights()
    history = model.fit(X, Y, epochs=20, verbose=0, callbacks=[stop], shuffle=False)
    assert len(history.epoch) == 3
    np.testing.assert_array_equal(model.get_weights()[0], weights[0])
    shown = capsys.readouterr().out
    assert "Epoch 3: early stopping" in shown
    assert "Restoring model weights from the end of the best epoch: 1." in shown


def test_early_stopping_of_a_rising_metric():
    stop = keras.callbacks.EarlyStopping("acc", patience=1, min_delta=2.0)
    history = network(metrics=["acc"]).fit(X, Y, epochs=9, verbose=0, callbacks=[stop])
    assert len(history.epoch) == 2 and stop.monitor_op is np.greater


def test_early_stopping_without_its_metric():
    with pytest.warns(UserWarning, match="val_loss.*not available"):
        network().fit(X, Y, verbose=0, callbacks=[keras.callbacks.EarlyStopping()])


def test_learning_rates():
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    history = network().fit(X, Y, epochs=3, verbose=0, callbacks=[schedule]).history
    np.testing.assert_allclose(history["learning_rate"], [0.05, 0.025, 0.0125], rtol=1e-6)


def test_reduce_on_plateau(capsys):
    reduce = keras.callbacks.ReduceLROnPlateau(
        "loss", 0.1, patience=1, min_delta=9, verbose=1
    )
    history = network().fit(X, Y, epochs=3, verbose=0, callbacks=[reduce]).history
    np.testing.assert_allclose(history["learning_rate"], [0.1, 0.1, 0.01], rtol=1e-5)
    assert (
        "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.01"
        in capsys.readouterr().out
    )


def test_terminate_on_nan(capsys):
    x = X.copy()
    x[0] = np.nan
    history = network().fit(
        x,
        Y,
        epochs=5,
        verbose=0,
        shuffle=False,
        callbacks=[keras.callbacks.TerminateOnNaN()],
    )
    assert len(history.epoch) == 1
    assert "Batch 0: Invalid loss, terminating training" in capsys.readouterr().out


def test_csv(tmp_path):
    path = tmp_path / "log.csv"
    network().fit(X, Y, epochs=2, verbose=0, callbacks=[keras.callbacks.CSVLogger(path)],
                  validation_data=(X, Y))  # fmt: skip
    rows = list(csv.DictReader(path.open()))
    assert list(rows[0]) == ["epoch", "loss", "val_loss"] and len(rows) == 2
    append = keras.callbacks.CSVLogger(path, append=True)
    network().fit(X, Y, verbose=0, callbacks=[append], validation_data=(X, Y))
    assert len(list(csv.DictReader(path.open()))) == 3


def test_lambda_callback():
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch),
        on_train_batch_end=lambda batch, logs: seen.append("batch"),
    )
    network().fit(X, Y, epochs=2, batch_size=20, verbose=0, callbacks=[callback])
    assert seen == ["batch", "batch", 0, "batch", "batch", 1]


def test_swapping_averages():
    model = network(optimizer=keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9))
    swap = keras.callbacks.SwapEMAWeights()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[swap], validation_data=(X, Y))
    with pytest.raises(ValueError, match="use_ema=True"):
        network().fit(X, Y, verbose=0, callbacks=[swap], validation_data=(X, Y))


# -- the progress bar --------------------------------------------------------------------


def shown(run):
    """What a call prints, without colours; redrawn lines one by one."""
    before, sys.stdout = sys.stdout, io.StringIO()
    try:
        run()
        text = sys.stdout.getvalue()
    finally:
        sys.stdout = before
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return [line.rstrip() for line in re.split(r"[\x08]*\r|\n", plain)]


TIME = r"\d+(ms|us|s)"


def test_bar_of_fit():
    lines = shown(
        lambda: network(metrics=["acc"]).fit(X, Y, epochs=2, validation_data=(X, Y))
    )
    assert [line for line in lines if line.startswith("Epoch")] == [
        "Epoch 1/2",
        "Epoch 2/2",
    ]
    bar = f"━{{20}} \\d+s {TIME}/step"
    values = (
        r" - acc: \d\.\d{4} - loss: \d\.\d{4} - val_acc: \d\.\d{4} - val_loss: \d\.\d{4}"
    )
    finished = [line for line in lines if re.fullmatch(f"2/2 {bar}{values}", line)]
    assert len(finished) == 2


def test_lines_of_fit():
    lines = shown(lambda: network().fit(X, Y, epochs=2, verbose=2))
    assert [re.sub(r"\d\.\d{4}", "N", re.sub(TIME, "T", line)) for line in lines if line] == [
        "Epoch 1/2", "2/2 - T - T/step - loss: N", "Epoch 2/2", "2/2 - T - T/step - loss: N",
    ]  # fmt: skip


def test_one_epoch_has_no_header():
    assert not any("Epoch" in line for line in shown(lambda: network().fit(X, Y)))


def test_bars_of_evaluate_and_predict():
    model = network()
    assert re.fullmatch(f"2/2 ━{{20}} \\d+s {TIME}/step - loss: .*",
                        shown(lambda: model.evaluate(X, Y))[-2])  # fmt: skip
    assert re.fullmatch(
        f"2/2 ━{{20}} \\d+s {TIME}/step", shown(lambda: model.predict(X))[-2]
    )


def test_unknown_number_of_steps():
    def batches():
        yield from ((X, Y) for _ in range(3))

    lines = shown(lambda: network().fit(batches()))
    assert any(re.match(r" +1/Unknown", line) for line in lines)
    assert lines[-2].startswith("3/3 ━")


def test_silence():
    model = network()
    assert shown(lambda: (model.fit(X, Y, verbose=0), model.predict(X, verbose=0))) == [""]


def test_backup_goes_on_where_training_was(tmp_path):
    def train(callbacks, model):
        return model.fit(
            X, Y, batch_size=8, epochs=4, verbose=0, shuffle=False, callbacks=callbacks
        )

    class Dies(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    whole = network(optimizer="adam")
    train([], whole)
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train([backup, Dies()], network(optimizer="adam"))
    again = network(optimizer="adam")
    history = train([keras.callbacks.BackupAndRestore(tmp_path)], again)
    assert history.epoch == [2, 3]
    for one, other in zip(whole.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(one, other)
    assert list(tmp_path.iterdir()) == []


def test_hooks_may_name_their_arguments_as_they_like():
    seen = []

    class Own(keras.callbacks.Callback):
        def on_train_begin(self, _):
            seen.append("begin")

        def on_train_batch_end(self, number, values):
            seen.append((number, sorted(values)))

        def on_epoch_end(self, number, values):
            seen.append(("epoch", number))

    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    lambdas = keras.callbacks.LambdaCallback(on_epoch_end=lambda e, values: seen.append(e))
    model.fit(np.ones((4, 2)), np.ones(4), callbacks=[Own(), lambdas], verbose=0)
    assert seen == ["begin", (0, ["loss"]), ("epoch", 0), 0]
