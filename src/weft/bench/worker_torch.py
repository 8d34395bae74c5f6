"""The worker for PyTorch without Keras: the same networks, as its users write them.

python worker_torch.py WORKLOAD
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import workloads


def models(torch: Any) -> dict[str, Callable[[], Any]]:
    """Workload → its network. Images are (batch, channels, height, width)."""
    nn = torch.nn
    module: Any = nn.Module

    class Block(module):
        def __init__(self, inputs: int, filters: int, stride: int) -> None:
            super().__init__()
            self.inner = nn.Sequential(
                nn.Conv2d(inputs, filters, 3, stride, 1, bias=False),
                nn.BatchNorm2d(filters),
                nn.ReLU(),
                nn.Conv2d(filters, filters, 3, 1, 1, bias=False),
                nn.BatchNorm2d(filters),
            )
            self.past = nn.Identity()
            if stride > 1:
                self.past = nn.Sequential(
                    nn.Conv2d(inputs, filters, 1, stride, bias=False),
                    nn.BatchNorm2d(filters),
                )

        def forward(self, x: Any) -> Any:
            return torch.relu(self.inner(x) + self.past(x))

    class Recurrent(module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(32, 128, batch_first=True)
            self.head = nn.Linear(128, 1)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0][:, -1])

    class Attention(module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(8000, 128)
            layer = lambda: nn.TransformerEncoderLayer(
                128, 4, 512, dropout=0.0, batch_first=True
            )
            self.body = nn.Sequential(layer(), layer())
            self.head = nn.Linear(128, 2)

        def forward(self, words: Any) -> Any:
            return self.head(self.body(self.embed(words)).mean(1))

    def cnn() -> Any:
        conv, pool = nn.Conv2d, lambda: nn.MaxPool2d(2)
        return nn.Sequential(
            conv(1, 32, 3), nn.ReLU(), pool(), conv(32, 64, 3), nn.ReLU(), pool(),
            conv(64, 64, 3), nn.ReLU(), nn.Flatten(), nn.Linear(576, 64), nn.ReLU(),
            nn.Linear(64, 10),
        )  # fmt: skip

    def deepcnn() -> Any:
        head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))
        return nn.Sequential(
            nn.Conv2d(3, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
            Block(32, 32, 1), Block(32, 64, 2), Block(64, 128, 2), *head,
        )  # fmt: skip

    linear, chain = nn.Linear, nn.Sequential
    return {
        "mlp": lambda: chain(linear(784, 512), nn.ReLU(), linear(512, 10)),
        "cnn": cnn,
        "deepcnn": deepcnn,
        "lstm": Recurrent,
        "transformer": Attention,
        "tiny": lambda: chain(linear(2, 8), nn.Tanh(), linear(8, 1), nn.Sigmoid()),
        "orgate": lambda: chain(linear(2, 1), nn.Sigmoid()),
    }


# Workload → the loss, the optimizer and its settings.
SETTINGS: dict[str, tuple[str, str, dict[str, float]]] = {
    "mlp": ("cross_entropy", "RMSprop", {"lr": 1e-3, "alpha": 0.9, "eps": 1e-7}),
    "cnn": ("cross_entropy", "RMSprop", {"lr": 1e-3, "alpha": 0.9, "eps": 1e-7}),
    "deepcnn": ("cross_entropy", "Adam", {"lr": 1e-3}),
    "lstm": ("mse_loss", "Adam", {"lr": 1e-3}),
    "transformer": ("cross_entropy", "Adam", {"lr": 1e-3}),
    "tiny": ("binary_cross_entropy", "Adam", {"lr": 0.05}),
    "orgate": ("mse_loss", "SGD", {"lr": 0.1}),
}


def train(name: str) -> None:
    """Measure a training loop."""
    import torch

    def tensor(array: Any) -> Any:
        made = torch.from_numpy(array)
        made = made.movedim(-1, 1).contiguous() if made.ndim == 4 else made
        # Labels index, and so do words; both are int64 there.
        return made if made.is_floating_point() else made.long()

    def build(x: Any, y: Any, batch: int) -> tuple[Callable, Callable, Callable]:
        torch.manual_seed(0)
        model = models(torch)[name]()
        loss_name, optimizer_name, options = SETTINGS[name]
        loss_of = getattr(torch.nn.functional, loss_name)
        optimizer = getattr(torch.optim, optimizer_name)(model.parameters(), **options)
        inputs, targets = tensor(x), tensor(y)

        def step(rows: Any) -> Any:
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(model(inputs[rows]), targets[rows])
            loss.backward()
            optimizer.step()
            return loss.detach()

        def epochs(count: int, ended: Callable) -> None:
            for _ in range(count):
                parts = torch.randperm(len(inputs)).split(batch)
                ended(sum(step(rows) for rows in parts) / len(parts))

        @torch.inference_mode()
        def predict(x: Any) -> Any:
            model.eval()
            return torch.cat([model(part) for part in tensor(x).split(256)]).numpy()

        return lambda: step(torch.arange(batch)), epochs, predict

    workloads.measure_training(name, build)


def predict() -> None:
    """Measure one image at a time."""
    import torch

    made, calls = models(torch), {}
    for name, shape in (("mlp", (1, 784)), ("cnn", (1, 1, 28, 28))):
        model, x = made[name]().eval(), torch.rand(shape)
        with torch.inference_mode():
            model(x)
        calls[f"{name} call"] = torch.inference_mode()(lambda m=model, x=x: m(x).numpy())
    workloads.measure_calls(calls)


def eager() -> None:
    """Measure single operations."""
    import torch

    class Ops:
        relu, sum, matmul = torch.relu, torch.sum, torch.matmul
        softmax = staticmethod(lambda x: torch.softmax(x, -1))

    arrays = {k: torch.from_numpy(v) for k, v in workloads.eager_arrays().items()}
    with torch.no_grad():
        workloads.measure_calls(workloads.eager_calls(arrays, Ops, lambda r: r))


OTHERS = {"predict": predict, "eager": eager}

if __name__ == "__main__":
    workload = sys.argv[1]
    OTHERS[workload]() if workload in OTHERS else train(workload)
