"""TensorBoard: what happens in training, as files that TensorBoard shows."""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from weft.errors import ArgumentError
from weft.keras.callbacks.callback import Callback, Logs
from weft.keras.callbacks.events import EventWriter
from weft.writing import replacing

_RUNS = ("train", "validation")


class TensorBoard(Callback):
    """Writes losses, metrics, learning rates, weights and the model for TensorBoard.

    `tensorboard --logdir logs` shows them; TensorBoard itself is a package of its own and
    not needed to write. The runs are `log_dir/train` and `log_dir/validation`.

    Args:
        log_dir: the folder; one of its own for each training compares them.
        histogram_freq: every how many epochs the weights are written as histograms; 0 never.
        write_graph: whether the layers of the model are written.
        write_images: whether weights are written as pictures too, with the histograms.
        write_steps_per_second: whether the speed is written.
        update_freq: "epoch"; "batch" or a number of batches writes within epochs too.
        profile_batch: kept for compatibility; `weft.explain` shows where time goes.
        embeddings_freq: every how many epochs the weights of Embedding layers are written
            for the projector; 0 never.
        embeddings_metadata: a file of labels, or a dict of files by the layers' names.

    Example:
        >>> from weft.keras.callbacks import TensorBoard
        >>> board = TensorBoard("logs/first", histogram_freq=1)
    """

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq, self.write_graph = histogram_freq, write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        is_count = isinstance(update_freq, int) and not isinstance(update_freq, bool)
        if update_freq not in ("epoch", "batch") and not (is_count and update_freq > 0):
            raise ArgumentError(
                "TensorBoard: `update_freq` must be 'epoch', 'batch' or a number of "
                f"batches; received {update_freq!r}"
            )
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        if profile_batch:
            warnings.warn(
                "TensorBoard: profile_batch writes no profile here; weft.explain(function, "
                "*arguments) tells where the time of a step goes",
                stacklevel=2,
            )
        self._writers: dict[str, EventWriter] = {}
        self._train_step = self._last_batch = self._epoch_start_step = 0
        self._epoch_start = 0.0

    # -- writers -------------------------------------------------------------------------

    def _writer(self, run: str) -> EventWriter:
        if run not in self._writers:
            self._writers[run] = EventWriter(Path(self.log_dir) / run)
        return self._writers[run]

    @property
    def summary(self) -> EventWriter:
        """The writer of the training run: `board.summary.scalar("mine", 0.5, step=3)`."""
        return self._writer("train")

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._train_step = _iterations(model)
        if self.embeddings_freq:
            self._write_projector_config()

    def needs_batches(self, kind: str) -> bool:
        return kind == "train" and self.update_freq != "epoch"

    # -- training ------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs = None) -> None:
        self._train_step = _iterations(self.model)
        if self.write_graph:
            self._write_model()

    def _write_model(self) -> None:
        # A model without get_config() has no picture, and trains all the same.
        try:
            described = self.model.to_json()
        except (NotImplementedError, ValueError, TypeError) as error:
            warnings.warn(
                f"TensorBoard: the model's layers can't be written ({error})", stacklevel=2
            )
            return
        self.summary.keras_model("keras", described, step=0)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._last_batch = 0
        self._epoch_start_step = self._train_step
        self._epoch_start = time.perf_counter()
        self._batch_time = self._epoch_start

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self.update_freq == "epoch":
            return
        # With several steps per execution, batches are counted in strides.
        stride = batch + 1 - self._last_batch
        self._last_batch = batch + 1
        before = self._train_step // self.update_freq
        self._train_step += stride
        if self._train_step // self.update_freq == before:
            return
        for name, value in (logs or {}).items():
            self.summary.scalar(f"batch_{name}", value, step=self._train_step)
        if self.write_steps_per_second:
            now = time.perf_counter()
            speed = stride / max(now - self._batch_time, 1e-9)
            self.summary.scalar("batch_steps_per_second", speed, step=self._train_step)
        self._batch_time = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = dict(logs or {})
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None:
            logs["learning_rate"] = float(np.asarray(optimizer.learning_rate))
        self._train_step = max(self._train_step, _iterations(self.model))
        if self.write_steps_per_second:
            seconds = max(time.perf_counter() - self._epoch_start, 1e-9)
            steps = self._train_step - self._epoch_start_step
            logs["steps_per_second"] = steps / seconds
        for name, value in logs.items():
            run = _RUNS[name.startswith("val_")]
            tag = f"epoch_{name.removeprefix('val_')}"
            self._writer(run).scalar(tag, value, step=epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings()
        self._flush()

    def on_test_end(self, logs: Logs = None) -> None:
        step = _iterations(self.model)
        for name, value in (logs or {}).items():
            tag = f"evaluation_{name}_vs_iterations"
            self._writer("validation").scalar(tag, value, step=step)
        self._flush()

    def on_train_end(self, logs: Logs = None) -> None:
        for writer in self._writers.values():
            writer.close()

    def _flush(self) -> None:
        for writer in self._writers.values():
            writer.flush()

    # -- weights -------------------------------------------------------------------------

    def _write_weights(self, epoch: int) -> None:
        for layer in self.model.layers:
            for weight in layer.weights:
                name = weight.path.replace(":", "_")
                values = weight.numpy().astype(np.float32)
                self.summary.histogram(f"{name}/histogram", values, step=epoch)
                picture = _as_pictures(values) if self.write_images else None
                if picture is not None:
                    self.summary.image(f"{name}/image", picture, step=epoch)

    def _embedding_layers(self) -> list[Any]:
        from weft.keras.layers import Embedding

        return [layer for layer in self.model.layers if isinstance(layer, Embedding)]

    def _write_projector_config(self) -> None:
        """Which table of vectors belongs to which layer, for TensorBoard's projector."""
        entries = []
        labels = self.embeddings_metadata
        for layer in self._embedding_layers():
            entry = [f'tensor_name: "{layer.name}"', f'tensor_path: "{layer.name}.tsv"']
            file = labels.get(layer.name) if isinstance(labels, dict) else labels
            if file is not None:
                entry.append(f'metadata_path: "{os.fspath(file)}"')
            lines = "".join(f"  {line}\n" for line in entry)
            entries.append(f"embeddings {{\n{lines}}}\n")
        unknown = set(labels) - {layer.name for layer in self._embedding_layers()} if (
            isinstance(labels, dict)) else None  # fmt: skip
        if unknown:
            raise ArgumentError(
                "TensorBoard: `embeddings_metadata` names layers that are no Embedding "
                f"layers of the model: {sorted(unknown)}"
            )
        folder = Path(self.log_dir)
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / "projector_config.pbtxt") as file:
            file.write("".join(entries).encode("utf-8"))

    def _write_embeddings(self) -> None:
        for layer in self._embedding_layers():
            if layer.built:
                with replacing(Path(self.log_dir) / f"{layer.name}.tsv") as file:
                    np.savetxt(file, layer.get_weights()[0], fmt="%.6g", delimiter="\t")


def _iterations(model: Any) -> int:
    optimizer = getattr(model, "optimizer", None)
    return 0 if optimizer is None else int(np.asarray(optimizer.iterations))


def _as_pictures(values: np.ndarray) -> np.ndarray | None:
    """Weights as pictures (count, height, width, channels); None if they have no such form."""
    values = np.squeeze(values)
    if values.ndim == 1:
        pictures = values.reshape(1, -1, 1, 1)
    elif values.ndim == 2:
        # Wide rather than tall.
        wide = values if values.shape[1] >= values.shape[0] else values.T
        pictures = wide[None, :, :, None]
    elif values.ndim == 3:
        pictures = np.moveaxis(values, -1, 0)[..., None]
    else:
        return None
    if pictures.size == 0:
        return None
    low, high = pictures.min(), pictures.max()
    return (pictures - low) / (high - low if high > low else 1.0)
