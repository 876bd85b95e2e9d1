# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa index`: fills a memory from recordings, on this machine or on a Ray cluster.

`sources` finds the recordings, `reader` makes rows of one, `local_readers` and `ray_readers` let
several readers work side by side, and `command` writes what they find.
"""
