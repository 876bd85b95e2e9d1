# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0

"""VL-JEPA for ROS 2: video in; semantic embeddings, action inference and events out.

This module runs in every process that imports the messages (``ros2 topic echo`` too), so it
imports nothing but the standard library's smallest parts.
"""

import pkgutil

# The generated vljepa_ros.msg and vljepa_ros.srv live in the build's site-packages. When the
# source tree shadows that folder (Python or pytest started in the repository), this joins both.
__path__ = pkgutil.extend_path(__path__, __name__)

__version__ = '0.1.0'
