# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the plans of a checkpoint come from: the cache, or a build."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from vljepa_ros.inference.cache import cache_folder
from vljepa_ros.inference.graph_weights import check_weights, weights_digest
from vljepa_ros.inference.graphs import existing_graph, graph_spec
from vljepa_ros.inference.sealed_file import (
    digest_of,
    file_digest,
    read_sealed,
    write_sealed,
)
from vljepa_ros.inference.tensorrt.build import RECIPE, build_plan
from vljepa_ros.inference.tensorrt.library import Library
from vljepa_ros.inference.tensorrt.plan_cache import PlanCache, PlanKey, Target, plan_key
from vljepa_ros.inference.tensorrt.progress import OnProgress
from vljepa_ros.inference.tensorrt.ranges import dynamic_ranges
from vljepa_ros.model.checkpoint_folder import existing, weights_file
from vljepa_ros.model.config import ModelConfig


def plans_folder() -> Path:
    """Return where engines are kept and looked for: in this user's cache."""
    return cache_folder() / 'tensorrt'


class Plans:
    """The plans of one checkpoint, in one precision, for one target."""

    def __init__(
        self,
        checkpoint: Path,
        config: ModelConfig,
        *,
        library: Library,
        precision: str,
        target: Target,
        folder: Path,
        say: Callable[[str], None],
    ) -> None:
        """Open the cache.

        Args:
            checkpoint: its folder.
            config: its configuration.
            library: what builds and runs plans.
            precision: 'fp16', 'bf16' or 'fp32': which graphs.
            target: what they are for.
            folder: where they are kept.
            say: is told where they cannot be kept.
        """
        self._checkpoint, self._config = checkpoint, config
        self._library, self._precision, self._target = library, precision, target
        self._folder = folder
        # What was built for other machines is wanted, though it is not used here.
        self.cache = PlanCache(folder, say=say, **({} if target.gpu else {'most': None}))

    def cached(self, component: str) -> Iterator[tuple[PlanKey, bytes]]:
        """Yield the plans that are kept for a network: this GPU's, one built ahead of time.

        Raises:
            CheckpointError: its graph or weights are missing, or do not belong together.
        """
        keys = [self.key(component)]
        if self._target.gpu is not None and self._library.builds_ahead_of_time:
            keys.append(self.key(component, Target(self._target.capability)))
        for key in keys:
            plan = self.cache.load(key)
            if plan is not None:
                yield key, plan

    def key(self, component: str, target: Target | None = None) -> PlanKey:
        """Return what the plan of a network is kept under.

        Raises:
            CheckpointError: its graph or weights are missing, or do not belong together.
        """
        graph = existing_graph(self._checkpoint, component, self._precision)
        check_weights(graph, self.weights_digest(component))
        return plan_key(
            component,
            self._precision,
            sources={'graph': file_digest(graph), 'weights': self.weights_digest(component)},
            library=self._library,
            target=target or self._target,
            ranges=dynamic_ranges(self._config, graph_spec(self._config, component)),
            options={'recipe': RECIPE},
        )

    def weights_digest(self, component: str) -> str:
        """Return the SHA-256 of a network's weights, read once: they are large."""
        return weights_digest(existing(self._checkpoint / weights_file(component)))

    def build(self, component: str, on_progress: OnProgress) -> bytes:
        """Build the plan of a network; arguments and errors as in `build_plan`."""
        spec = graph_spec(self._config, component)
        existing(self._checkpoint / weights_file(component))
        timings, key = self._timings()
        known = None
        if timings is not None:
            known = read_sealed(timings, key) or b''
        built = build_plan(
            self._library,
            existing_graph(self._checkpoint, component, self._precision),
            spec,
            dynamic_ranges(self._config, spec),
            capability=self._target.capability if self._library.builds_ahead_of_time else None,
            timings=known,
            on_progress=on_progress,
        )
        if timings is not None and built.timings:
            self._keep_timings(timings, key, built.timings)
        return built.plan

    def _timings(self) -> tuple[Path | None, str]:
        """Return the file of what builds have measured; tensorrt_rtx measures nothing."""
        parts = [str(self._library), *self._target.name_and_capability]
        key = digest_of(parts)
        if self._library.builds_ahead_of_time:
            return None, key
        return self._folder / f'timings.{key[:16]}', key

    def _keep_timings(self, path: Path, key: str, timings: bytes) -> None:
        try:
            write_sealed(path, key, timings)
        except OSError:
            return  # the plan is kept there too, and its failure is said
