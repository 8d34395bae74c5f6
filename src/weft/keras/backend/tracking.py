"""Tracking: what a layer's attributes hold is found, also inside lists and dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Store = tuple[Callable[[Any], bool], list]


class Tracker:
    """Sorts values into stores by what they are.

    Args:
        stores: name → (test, list): a value goes to the first store whose test it passes.
        exclusions: store name → names of stores that claim a value before it.
    """

    def __init__(self, stores: dict[str, Store]) -> None:
        self.stores = stores
        self.locked_because: str | None = None

    def lock(self, reason: str) -> None:
        self.locked_because = reason

    def unlock(self) -> None:
        self.locked_because = None

    def track(self, value: Any) -> Any:
        """Store `value`; containers come back as containers that go on tracking."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        for test, found in self.stores.values():
            if test(value):
                if not any(value is known for known in found):
                    self._require_unlocked()
                    found.append(value)
                return value
        container = _CONTAINERS.get(kind)
        if container is not None:
            return container(value, self)
        if isinstance(value, tuple):
            items = [self.track(item) for item in value]
            return kind(*items) if hasattr(value, "_fields") else kind(items)
        return value

    def untrack(self, value: Any) -> None:
        """Forget `value`."""
        for _, found in self.stores.values():
            for position, known in enumerate(found):
                if known is value:
                    self._require_unlocked()
                    del found[position]
                    return

    def _require_unlocked(self) -> None:
        if self.locked_because:
            raise ValueError(self.locked_because)


class TrackedList(list):
    """A list whose items are tracked."""

    def __init__(self, items: Any = (), tracker: Tracker | None = None) -> None:
        self._tracker = tracker
        super().__init__([self._take(item) for item in items])

    def _take(self, item: Any) -> Any:
        return self._tracker.track(item) if self._tracker else item

    def append(self, item: Any) -> None:
        super().append(self._take(item))

    def insert(self, index: Any, item: Any) -> None:
        super().insert(index, self._take(item))

    def extend(self, items: Any) -> None:
        super().extend([self._take(item) for item in items])

    def __iadd__(self, items: Any) -> TrackedList:  # type: ignore[misc]  # as a list does
        self.extend(items)
        return self

    def __setitem__(self, index: Any, item: Any) -> None:
        taken = (
            [self._take(i) for i in item] if isinstance(index, slice) else self._take(item)
        )
        super().__setitem__(index, taken)

    def _drop(self, item: Any) -> None:
        if self._tracker and not any(item is kept for kept in self):
            self._tracker.untrack(item)

    def remove(self, item: Any) -> None:
        super().remove(item)
        self._drop(item)

    def pop(self, index: Any = -1) -> Any:
        item = super().pop(index)
        self._drop(item)
        return item

    def clear(self) -> None:
        while self:
            self.pop()

    def __delitem__(self, index: Any) -> None:
        gone = self[index] if isinstance(index, slice) else [self[index]]
        super().__delitem__(index)
        for item in gone:
            self._drop(item)

    def __reduce__(self) -> Any:
        return (list, (list(self),))


class TrackedDict(dict):
    """A dict whose values are tracked."""

    def __init__(self, items: Any = (), tracker: Tracker | None = None) -> None:
        self._tracker = tracker
        super().__init__({key: self._take(value) for key, value in dict(items).items()})

    def _take(self, value: Any) -> Any:
        return self._tracker.track(value) if self._tracker else value

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, self._take(value))

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: Any, *default: Any) -> Any:
        value = super().pop(key, *default)
        if self._tracker:
            self._tracker.untrack(value)
        return value

    def __delitem__(self, key: Any) -> None:
        self.pop(key)

    def clear(self) -> None:
        for key in list(self):
            self.pop(key)

    def __reduce__(self) -> Any:
        return (dict, (dict(self),))


class TrackedSet(set):
    """A set whose items are tracked."""

    def __init__(self, items: Any = (), tracker: Tracker | None = None) -> None:
        self._tracker = tracker
        super().__init__([tracker.track(item) if tracker else item for item in items])

    def add(self, item: Any) -> None:
        super().add(self._tracker.track(item) if self._tracker else item)

    def update(self, *others: Any) -> None:
        for other in others:
            for item in other:
                self.add(item)

    def remove(self, item: Any) -> None:
        super().remove(item)
        if self._tracker:
            self._tracker.untrack(item)

    def __reduce__(self) -> Any:
        return (set, (list(self),))


_CONTAINERS: dict[type, Any] = {list: TrackedList, dict: TrackedDict, set: TrackedSet}
_PLAIN = frozenset((bool, int, float, str, type(None)))
