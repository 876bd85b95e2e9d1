# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings: clips around events are written, bags and videos are read. No ROS is needed.

`open_recording` in `opening.py` reads; `ClipRecorder` in `clip_recorder.py` writes.
"""
