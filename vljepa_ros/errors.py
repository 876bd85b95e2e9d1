# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0

"""The exceptions of this package.

Every message says what was wrong, what is allowed, and what to do about it.
"""


class VljepaError(Exception):
    """Base class: catch this to catch everything that this package raises on purpose."""


class ResourceNotFoundError(VljepaError):
    """A shipped file or a model folder is not where it can be."""


class InterfacesNotBuiltError(VljepaError, ImportError):
    """The ROS messages and services of this package are not built, or not on the path."""


class MissingDependencyError(VljepaError, ImportError):
    """An optional library is not installed. The message names the command that installs it."""


class CheckpointError(VljepaError):
    """A checkpoint folder is missing, truncated, damaged, or made for something else."""


class ConfigurationError(VljepaError, ValueError):
    """A setting is outside its allowed values, or settings contradict each other."""


class ImageError(VljepaError, ValueError):
    """An image cannot be read or converted."""


class StreamError(VljepaError, ValueError):
    """A sequence of frames or embeddings breaks the rules of its consumer."""


class RecordingError(VljepaError):
    """A recording cannot be read, or a clip cannot be written."""


class StoreError(VljepaError):
    """A memory on disk cannot be opened, read or written now."""


class StoreFullError(StoreError):
    """The disk of a memory is full; what it has not taken waits."""


class StoreDamagedError(StoreError):
    """A part of a memory can never be read again."""


class EngineError(VljepaError):
    """The model cannot be loaded, or failed while it ran."""


class EngineNotBuiltError(EngineError):
    """The engine that was asked for has to be built first, which takes minutes."""


class ServiceError(VljepaError):
    """A node refused a request, or did not answer in time."""
