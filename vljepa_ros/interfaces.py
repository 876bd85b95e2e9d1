# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0

"""The built messages and services; the only module that imports them.

Everything that speaks ROS imports them from here, so that a missing build is one clear error.
"""

from vljepa_ros.errors import InterfacesNotBuiltError

_BUILD = (
    'In a clone run `make setup`. In a ROS 2 workspace run `colcon build --packages-select '
    'vljepa_ros` and then `source install/setup.bash`.'
)

try:
    from vljepa_ros.msg import (
        Alert,
        Classification,
        Embedding,
        Rule,
        ScoredText,
        SearchHit,
        SemanticEvent,
    )
    from vljepa_ros.srv import Answer, Classify, EmbedText, InferAction, Search, SetRules
except ModuleNotFoundError as error:
    if (error.name or '').startswith('vljepa_ros.'):
        raise InterfacesNotBuiltError(
            f'The messages and services of vljepa_ros are not built or not on the path. {_BUILD}'
        ) from error
    raise InterfacesNotBuiltError(
        f'The messages of vljepa_ros need ROS 2, but the Python module {error.name!r} is '
        f'missing. Source your ROS 2 installation (`source /opt/ros/<distro>/setup.bash`); '
        f'without one, `make setup` gets ROS 2 from PyPI.'
    ) from error
except ImportError as error:
    raise InterfacesNotBuiltError(
        f'The built messages of vljepa_ros do not fit this version ({error}). {_BUILD}'
    ) from error

__all__ = [
    'Alert',
    'Answer',
    'Classification',
    'Classify',
    'EmbedText',
    'Embedding',
    'InferAction',
    'Rule',
    'ScoredText',
    'Search',
    'SearchHit',
    'SemanticEvent',
    'SetRules',
]
