# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TensorRT: engines are built once for a GPU, kept, checked, and run without PyTorch.

One code for `tensorrt` 10.3 to 11.x and for `tensorrt_rtx`. What TensorRT's objects are called is
checked against the names of its versions: variables that hold one are named after its class as
`test/test_tensorrt_api.py` lists them.
"""
