# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of a memory: the only place that knows LanceDB.

`location` says where they are, `database` creates and drops them, `catalog` keeps them open, and
`table` writes and searches one. `columns` is the way from rows to Arrow and `table_name` what the
names hold; `recordings` lists what a memory was filled from; `index_builder` builds indices in a
process beside.
"""
