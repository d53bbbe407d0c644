"""Frames decoded in advance on a thread of their own, never more than a few.

The thread starts with the first frame asked for and ends with the iterator, however that ends: run out, closed early,
or dropped. An exception of the source is raised where its frame would have come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from threading import Condition, Thread
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 2.0  # seconds to wait for the thread when closing; one blocked in a dead line ends itself later


def read_ahead(items: Iterator[T], depth: int, newest: bool = False) -> Iterator[T]:
    """The same items, up to `depth` of them fetched before they are asked for.

    newest: when `depth` items wait, the oldest makes room, so that a slow consumer of a live source stays in the
    present. Otherwise the source waits. depth 0 fetches each item when it is asked for, without a thread.
    """
    if depth <= 0:
        yield from items
        return
    channel: _Channel[T] = _Channel(depth, newest)
    thread = Thread(target=_fetch, args=(items, channel), name="vidmem-read-ahead", daemon=True)
    thread.start()
    try:
        yield from channel.take()
    finally:
        channel.stop()
        thread.join(PATIENCE)


def _fetch(items: Iterator[T], channel: _Channel[T]) -> None:
    try:
        for item in items:
            if not channel.put(item):
                break
        channel.finish(None)
    except BaseException as error:  # whatever it is, it belongs to the consumer
        channel.finish(error)
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


class _Channel(Generic[T]):
    """A bounded queue between one producer and one consumer that either side can end."""

    def __init__(self, depth: int, newest: bool):
        self._depth, self._newest = depth, newest
        self._items: deque[T] = deque()
        self._changed = Condition()
        self._stopped = self._finished = False
        self._error: BaseException | None = None

    def put(self, item: T) -> bool:
        """False when nobody wants more."""
        with self._changed:
            if self._newest and len(self._items) >= self._depth:
                self._items.popleft()
            self._changed.wait_for(lambda: len(self._items) < self._depth or self._stopped)
            if not self._stopped:
                self._items.append(item)
                self._changed.notify_all()
            return not self._stopped

    def finish(self, error: BaseException | None) -> None:
        with self._changed:
            self._finished, self._error = True, error
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._items.clear()
            self._changed.notify_all()

    def take(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._finished)
                if not self._items:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
            del item  # the consumer may let it go while it works on the next
