# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The present segment of a stream: its sum, and its newest samples one by one."""

from __future__ import annotations

import numpy as np

WINDOW = 32  # samples; a change must be found within so many


class SegmentWindow:
    """Constant in time and memory, however long the segment is.

    Attributes:
        total: sum float64 [D] of the segment's samples.
        count: how many they are.
        start_ns: stamp at which the segment starts.
    """

    def __init__(self, stamp_ns: int, sample: np.ndarray) -> None:
        """Begin a segment with its first sample [D]."""
        # Each sample lies there twice, so that the newest ones always lie side by side.
        self._samples = np.zeros((2 * WINDOW, len(sample)))
        self._stamps = np.zeros(2 * WINDOW, dtype=np.int64)
        self._held, self._next = 0, 0
        self._clear_ns = 0  # samples before it are held only as long as there is none after it
        self.total = np.zeros(len(sample))
        self.count = 0
        self.start_ns = stamp_ns
        self.add(stamp_ns, sample)

    @property
    def held(self) -> int:
        """How many of the newest samples are kept one by one, at most WINDOW."""
        return self._held

    @property
    def mean(self) -> np.ndarray:
        """Mean [D], not normalised."""
        return self.total / self.count

    def add(self, stamp_ns: int, sample: np.ndarray) -> None:
        """Add the next sample [D]."""
        if self._clear_ns and stamp_ns >= self._clear_ns:
            self._forget()
        self.total += sample
        self.count += 1
        self._keep(stamp_ns, sample)

    def newest(self, count: int) -> np.ndarray:
        """Return the newest samples [count, D], the oldest of them first; count <= held."""
        end = self._next + WINDOW if self._next < count else self._next
        return self._samples[end - count : end]

    def stamps(self, count: int) -> np.ndarray:
        """Return the stamps int64 [count] of the newest samples."""
        end = self._next + WINDOW if self._next < count else self._next
        return self._stamps[end - count : end]

    def since(self, stamp_ns: int) -> int:
        """Return how many of the samples that are held are not older than a stamp."""
        return int((self.stamps(self._held) >= stamp_ns).sum())

    def without_newest(self, count: int) -> np.ndarray:
        """Return the sum [D] of all but the newest samples; count <= held."""
        rest: np.ndarray = self.total - self.newest(count).sum(axis=0)
        return rest

    def split(self, count: int, *, blur_ns: int) -> np.ndarray:
        """End the segment before its newest samples, which begin the next one.

        Args:
            count: how many begin the next segment, in [1, held] and less than `self.count`.
            blur_ns: samples that are not further than this from the border see both sides, and
                count for neither mean, except where nothing else is left.

        Returns:
            Mean [D], not normalised, of the segment that has ended.
        """
        stamps, samples = self.stamps(self._held).copy(), self.newest(self._held).copy()
        border = self._held - count
        border_ns = int(stamps[border])
        before, size = self.total - samples[border:].sum(axis=0), self.count - count
        unclear = min(int((stamps[:border] > border_ns - blur_ns).sum()), size - 1)
        if unclear > 0:
            before = before - samples[border - unclear : border].sum(axis=0)
            size -= unclear
        self._begin_anew(stamps[border:], samples[border:], clear_ns=border_ns + blur_ns)
        self.start_ns = border_ns
        return before / size

    def forget_but_newest(self, count: int) -> None:
        """Keep only the newest samples, and the start; count in [1, held]."""
        self._begin_anew(self.stamps(count).copy(), self.newest(count).copy(), clear_ns=0)

    def _begin_anew(self, stamps: np.ndarray, samples: np.ndarray, *, clear_ns: int) -> None:
        """Hold samples [N, D], and of those before a stamp only the last if there is no other."""
        unclear = int((stamps < clear_ns).sum())
        first = min(unclear, len(stamps) - 1)
        self._forget()
        for stamp_ns, sample in zip(stamps[first:], samples[first:], strict=True):
            self.add(int(stamp_ns), sample)
        if unclear == len(stamps):
            self._clear_ns = clear_ns

    def _forget(self) -> None:
        self._held = self._next = self.count = self._clear_ns = 0
        self.total = np.zeros(len(self.total))

    def _keep(self, stamp_ns: int, sample: np.ndarray) -> None:
        for place in (self._next, self._next + WINDOW):
            self._samples[place], self._stamps[place] = sample, stamp_ns
        self._next = (self._next + 1) % WINDOW
        self._held = min(self._held + 1, WINDOW)
