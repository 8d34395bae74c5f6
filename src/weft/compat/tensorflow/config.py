"""tf.config: devices, threads, eager or traced functions."""

from __future__ import annotations

import collections
import os
from typing import Any

from weft.errors import ArgumentError
from weft.function.function import functions_run_eagerly as functions_run_eagerly
from weft.function.function import run_functions_eagerly as run_functions_eagerly

PhysicalDevice = collections.namedtuple("PhysicalDevice", ["name", "device_type"])
LogicalDevice = collections.namedtuple("LogicalDevice", ["name", "device_type"])
LogicalDeviceConfiguration = collections.namedtuple(
    "LogicalDeviceConfiguration", ["memory_limit"], defaults=[None]
)

_CPU = PhysicalDevice("/physical_device:CPU:0", "CPU")
_LOGICAL_CPU = LogicalDevice("/device:CPU:0", "CPU")


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices that programs run on: the CPU.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.config.list_physical_devices("GPU")
        []
    """
    return [_CPU] if device_type in (None, "CPU") else []


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """The devices as programs see them: the CPU."""
    return [_LOGICAL_CPU] if device_type in (None, "CPU") else []


def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """All devices."""
    return list_physical_devices(device_type)


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Hiding GPUs changes nothing; the CPU can't be hidden."""
    if device_type == "CPU" and not devices:
        raise ArgumentError("tf.config.set_visible_devices: the CPU can't be hidden")


def get_logical_device_configuration(device: Any) -> None:
    """Devices are not divided."""


def set_logical_device_configuration(device: Any, logical_devices: Any) -> None:
    """Taken for compatibility: the CPU is one device."""


def experimental_connect_to_cluster(*args: Any, **kwargs: Any) -> None:
    """Not here."""
    raise ArgumentError("tf.config: weft runs in one process; it connects to no cluster")


def experimental_run_functions_eagerly(run_eagerly: bool) -> None:
    """`run_functions_eagerly`."""
    run_functions_eagerly(run_eagerly)


def get_soft_device_placement() -> bool:
    """Always True: what names a device that is not there runs on the CPU."""
    return True


def set_soft_device_placement(enabled: bool) -> None:
    """Taken for compatibility."""


class experimental:
    """tf.config.experimental."""

    PhysicalDevice, LogicalDevice = PhysicalDevice, LogicalDevice
    list_physical_devices = staticmethod(list_physical_devices)
    list_logical_devices = staticmethod(list_logical_devices)
    get_visible_devices = staticmethod(get_visible_devices)
    set_visible_devices = staticmethod(set_visible_devices)

    @staticmethod
    def set_memory_growth(device: Any, enable: bool) -> None:
        """Taken for compatibility: memory is taken as programs need it."""

    @staticmethod
    def get_memory_growth(device: Any) -> bool:
        """Always True."""
        return True

    @staticmethod
    def enable_op_determinism() -> None:
        """Always on: the same program gives the same bits."""

    @staticmethod
    def enable_tensor_float_32_execution(enabled: bool) -> None:
        """Taken for compatibility: products are in full precision."""

    @staticmethod
    def get_device_details(device: Any) -> dict:
        """Nothing is known."""
        return {}

    @staticmethod
    def get_memory_info(device: str) -> dict:
        """The memory of this process, in bytes."""
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {"current": peak, "peak": peak}

    @staticmethod
    def set_virtual_device_configuration(device: Any, virtual_devices: Any) -> None:
        """Taken for compatibility: the CPU is one device."""


class threading:
    """tf.config.threading: how many threads programs use."""

    @staticmethod
    def get_intra_op_parallelism_threads() -> int:
        """The number set by `WEFT_NUM_THREADS`; 0 means as many as the machine offers."""
        return int(os.environ.get("WEFT_NUM_THREADS", "0"))

    @staticmethod
    def set_intra_op_parallelism_threads(num_threads: int) -> None:
        """Set WEFT_NUM_THREADS; call it before the first program runs."""
        if num_threads:
            os.environ["WEFT_NUM_THREADS"] = str(int(num_threads))
        else:
            os.environ.pop("WEFT_NUM_THREADS", None)

    @staticmethod
    def get_inter_op_parallelism_threads() -> int:
        """Always 0: one program runs at a time, on all threads."""
        return 0

    @staticmethod
    def set_inter_op_parallelism_threads(num_threads: int) -> None:
        """Taken for compatibility."""


class optimizer:
    """tf.config.optimizer."""

    @staticmethod
    def set_jit(enabled: Any) -> None:
        """Taken for compatibility: every program is compiled."""

    @staticmethod
    def get_jit() -> str:
        """Always "autoclustering": every program is compiled."""
        return "autoclustering"

    @staticmethod
    def set_experimental_options(options: dict) -> None:
        """Taken for compatibility."""

    @staticmethod
    def get_experimental_options() -> dict:
        """None are set."""
        return {}
