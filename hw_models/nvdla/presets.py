"""The configurations of NVDLA. Data only: no logic lives here.

Sources
  [S] open NVDLA hardware, spec/defs/<name>.spec (branch master)
  [M] measured: the generated RTL in simulation, reference/README.md
  [F] first release (branch nvdlav1), public integrator's manual, table of the "full" configuration
  [D] derived from the line above it in the same table
  [A] assumed: no RTL was run for this configuration
"""

from typing import Any

from hw_models.units import one_of

NV_SMALL: dict[str, Any] = {
    "atomic_c": 8,  # input channels a MAC cell takes a cycle [S]
    "atomic_k": 8,  # MAC cells, kernels at work at once [S]
    "atom_bytes": 8,  # memory atom: channels stored side by side [S]
    "dbb_bytes": 8,  # width of the memory port [S]
    "burst_beats": 1,  # longest AXI burst; [S] says 4, the generated RTL issues 1 [M]
    "cbuf_banks": 32,  # [S]
    "cbuf_depth": 512,  # entries a bank [S]
    "cbuf_entry_bytes": 8,  # [S]
    "sdp_elements": 1,  # SDP_BS_THROUGHPUT and BN, elements a cycle [S]
    "sdp_ew_elements": 0,  # no EW unit [S]
    "pdp_elements": 1,  # [S]
    "cdp_elements": 1,  # [S]
    "sdp_main_fifo_atoms": 8,  # read credits of SDP's own input [M]
    "sdp_operand_fifo_atoms": 16,  # read credits of X1 and X2 [M]
    "pdp_fifo_atoms": 8,  # [M]
    "cdp_fifo_atoms": 8,  # [M]
    "retiming": 0,  # [S] RETIMING_DISABLE
    "outstanding_reads": 256,  # beats; MCIF CFG_OUTSTANDING_CNT resets to 255, plus 1 [M]
    "outstanding_writes": 256,  # likewise [M]
    "bdma": 0,  # [S]
    "rubik": 0,  # [S]
    "lut": 0,  # [S]
    "int16": 0,  # [S] FEATURE_DATA_TYPE_INT8 and WEIGHT_DATA_TYPE_INT8 alone
    "fp16": 0,  # [S] likewise
    "winograd": 0,  # [S]
    "batch": 0,  # [S]
    "weight_compression": 0,  # [S]
}

NV_SMALL_256: dict[str, Any] = NV_SMALL | {
    "atomic_c": 32,  # [S]
    "cbuf_depth": 128,  # [S]
    "cbuf_entry_bytes": 32,  # [S]; all else is nv_small's there: no EW, bursts of one beat, read credits
}

NV_MEDIUM_512: dict[str, Any] = NV_SMALL | {
    "atomic_c": 32,  # [S]
    "atomic_k": 16,  # [S]
    "atom_bytes": 16,  # [M] (an early version of [S] says 32)
    "dbb_bytes": 16,  # [M] (an early version of [S] says 32 bit)
    "burst_beats": 4,  # [S] [M]
    "cbuf_entry_bytes": 32,  # [S]
    "sdp_elements": 4,  # [M] (an early version of [S] says 2)
    "pdp_elements": 2,  # [S]
    "cdp_elements": 2,  # [S]
    "sdp_main_fifo_atoms": 64,  # [M]
    "sdp_operand_fifo_atoms": 64,  # [M]
    "pdp_fifo_atoms": 32,  # [M]
    "cdp_fifo_atoms": 32,  # [M]
}

NV_MEDIUM_1024: dict[str, Any] = NV_MEDIUM_512 | {
    "atomic_c": 64,  # [S] nv_medium_1024_full.spec
    "atomic_k": 16,  # [S]
    "atom_bytes": 16,  # atomic-K, as in all measured configurations [A] ([S] says 32, as for 512)
    "dbb_bytes": 16,  # [D] one atom a beat, as in the measured configurations [A]
    "burst_beats": 4,  # [A] (an early version of [S] says 8)
    "cbuf_entry_bytes": 64,  # [S]
    "sdp_ew_elements": 4,  # [S]
    "pdp_elements": 4,  # [S]
    "cdp_elements": 4,  # [S]
    "sdp_main_fifo_atoms": 256,  # PRIMARY_MEMIF_LATENCY_512 [S], as in nv_large [A]
    "sdp_operand_fifo_atoms": 256,  # [A] likewise
    "pdp_fifo_atoms": 256,  # [A] likewise
    "cdp_fifo_atoms": 256,  # [A] likewise
    "bdma": 1,  # [S]
    "rubik": 1,  # [S]
    "lut": 1,  # [S]
    "batch": 1,  # [S]
    "weight_compression": 1,  # [S]
}

NV_LARGE: dict[str, Any] = NV_SMALL | {
    "atomic_c": 64,  # [S]
    "atomic_k": 32,  # [S]
    "atom_bytes": 32,  # [S]
    "dbb_bytes": 32,  # [S] PRIMARY_MEMIF_WIDTH_256
    "burst_beats": 1,  # [S] [M]
    "cbuf_banks": 16,  # [S]
    "cbuf_entry_bytes": 64,  # [S]
    "sdp_elements": 16,  # [S]
    "sdp_ew_elements": 4,  # [S]
    "pdp_elements": 8,  # [S]
    "cdp_elements": 8,  # [S]
    "sdp_main_fifo_atoms": 256,  # [M]
    "sdp_operand_fifo_atoms": 256,  # [M]
    "pdp_fifo_atoms": 256,  # [M]
    "cdp_fifo_atoms": 256,  # [M]
    "retiming": 1,  # [S] RETIMING_ENABLE
    "lut": 1,  # [S]
}

NV_FULL: dict[str, Any] = NV_LARGE | {
    "atomic_k": 32,  # 16 cells, each 2 INT8 kernels a cycle [F]
    "atomic_c": 64,  # [F]
    "dbb_bytes": 64,  # 512 bit [F]
    "burst_beats": 4,  # 256 B [F]
    "cbuf_depth": 256,  # [F]
    "cbuf_entry_bytes": 128,  # [F]
    "bdma": 1,  # [F]
    "rubik": 1,  # [F]
    "int16": 1,  # [F]
    "fp16": 1,  # [F]
    "winograd": 1,  # [F]
    "batch": 1,  # [F]
    "weight_compression": 1,  # [F]
}

PRESETS: dict[str, dict[str, Any]] = {
    "nv_small": NV_SMALL,
    "nv_small_256": NV_SMALL_256,
    "nv_medium_512": NV_MEDIUM_512,
    "nv_medium_1024": NV_MEDIUM_1024,
    "nv_large": NV_LARGE,
    "nv_full": NV_FULL,
}

Preset = one_of(PRESETS)
