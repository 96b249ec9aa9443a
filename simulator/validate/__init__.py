"""Comparisons with reference tables: name -> module with `figures(table: Path | None, **options)`.

A module yields `figure.Figure`s; `table` is a file of the reference's own columns, None for the tables
that the project ships beside the block.
"""

VALIDATIONS = {
    "nvdla-rtl": "simulator.validate.nvdla_rtl",
    "nvdla-traces": "simulator.validate.nvdla_traces",
    "yolov3-ops": "simulator.validate.yolov3_ops",
    "networks": "simulator.validate.networks",
    "dram": "simulator.validate.dram",
    "flash": "simulator.validate.flash",
    "firesim": "simulator.validate.firesim",
    "llm-in-a-flash": "simulator.validate.llm_in_a_flash",
    "llm-kernels": "simulator.validate.llm_kernels",
    "llm-serving": "simulator.validate.llm_serving",
    "llm-memory": "simulator.validate.llm_memory",
    "sampling": "simulator.validate.sampling",
}
