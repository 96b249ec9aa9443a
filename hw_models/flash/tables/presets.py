"""Whole devices. Data only: no logic lives here. Every field can be overridden in a config.

Sources
  [M] MQSim's default device, see nand.py; its controller takes no time of its own
  [L] "LLM in a flash" (arXiv 2312.11514): tables 2 and 3, 32 reader threads, OS cache off
  [C] calibrated on the rows of [L] named in docs/flash.md
  [A] assumed; public teardowns and datasheets of the class give no more than the order
"""

MQSIM = {
    "channels": 8,  # [M]
    "chips": 4,  # per channel [M]
    "dies": 2,  # per chip [M]
    "planes": 2,  # per die [M]
    "blocks": 2048,  # per plane [M]
    "pages": 256,  # per block [M]
    "page": "8 KiB",  # [M]
    "cell": "mlc",  # 75 us, 750 us, 3.8 ms [M]
    "bus": "nv_ddr2_333",  # [M]
    "overprovisioning": "7 %",  # [M]
    "mapping": "cached",
    "map_cache": "2 MiB",  # [M]
    "independent_dies": False,  # a chip runs one command of one die at a time [M]
    "cache_read": False,  # [M]
    "suspend": False,  # erase suspension exists in [M], but is never reached
    "preload": "0 %",
    "unwritten": "allocate",  # a page read before it was written is laid out at the write frontier [M]
    "link": "mqsim_pcie",
    "forward": "request",  # data goes to the host when the whole request is there [M]
    "partial_writes": "sectors",  # [M]
    "controller_time": "0 ns",
    "queue_depth": 65535,  # [M] IO_Queue_Depth
    "queue_fetch": 512,  # [M] Queue_Fetch_Size
}

# A NAND die's planes read independently of each other in these devices, so each plane is a die of its own.
_MODERN = {
    "cell": "tlc",
    "planes": 1,
    "pages": 1024,  # [A] per block
    "page": "16 KiB",
    "overprovisioning": "7 %",  # [A]
    "mapping": "resident",  # the map is in DRAM: of the SSD, or of the system
    "independent_dies": True,
    "cache_read": True,
    "suspend": True,
    "preload": "100 %",
    "unwritten": "zeros",
    "forward": "page",
    "queue_depth": 128,
}

M1_MAX = {
    **_MODERN,
    "channels": 8,  # [A]
    "chips": 2,  # [A] 16 dies of 512 Gbit
    "dies": 4,  # four planes
    "blocks": 1024,
    "bus": "nv_ddr3_1200",  # [A]
    "controller_time": "5 us",  # [A]
    "link": "apple_m1_max",
    "host": {"submit": "3 us", "serial": "5970 ns", "serial_rate": "14300 MB/s", "complete": "3 us"},
    # host: serial and serial_rate [C] on the 8 and 32 KiB rows, 32 threads; the rest [A]
    "sequential_chunk": "1 MiB",  # [A]
    "sequential_depth": 4,  # [A]
}

M2_ULTRA = {
    **_MODERN,
    "channels": 16,  # [A]
    "chips": 2,  # [A] 32 dies of 512 Gbit
    "dies": 4,
    "blocks": 1024,
    "bus": "nv_ddr4_2400",  # [A]
    "read_time": "40 us",  # fastest TLC of 2021, nand.py [A]
    "controller_time": "2 us",  # [A]
    "link": "apple_m2_ultra",
    "host": {"submit": "500 ns", "serial": "300 ns", "serial_rate": "60 GB/s", "complete": "500 ns"},  # [C]
    "sequential_chunk": "2 MiB",  # [C] one thread, on the naive row of this machine: 13.4 GB in 2145 ms
    "sequential_depth": 1,
}

M5_MAX = {**M2_ULTRA, "link": "apple_m5_max", "sequential_chunk": "1 MiB", "sequential_depth": 4}  # [A]

NVME_GEN4 = {
    **_MODERN,
    "channels": 8,  # [A]
    "chips": 4,  # [A] 32 dies of 512 Gbit
    "dies": 4,
    "blocks": 1024,
    "bus": "nv_ddr4_1600",  # [C] within [A]
    "read_time": "40 us",  # [A]
    "controller_time": "2 us",  # [A]
    "link": "nvme_gen4_x4",
    "host": {"submit": "500 ns", "serial": "300 ns", "serial_rate": "60 GB/s", "complete": "500 ns"},  # [C]
    "sequential_chunk": "1 MiB",  # [C] on the naive row of the RTX 4090 machine: 13.4 GB in 2196 ms
    "sequential_depth": 2,
}

UFS = {
    **_MODERN,
    "channels": 2,  # [A]
    "chips": 1,
    "dies": 8,  # two dies of four planes [A]
    "blocks": 1024,
    "bus": "nv_ddr3_1200",  # [A]
    "controller_time": "10 us",  # [A]
    "link": "ufs3_1",
    "queue_depth": 32,  # one queue of 32 commands before UFS 4
    "host": {"submit": "5 us", "serial": "5 us", "serial_rate": "10 GB/s", "complete": "5 us"},  # [A]
    "sequential_chunk": "512 KiB",
    "sequential_depth": 4,
}

PRESETS = {
    "mqsim_default": MQSIM,
    "m1_max_ssd": M1_MAX,
    "m2_ultra_ssd": M2_ULTRA,
    "m5_max_ssd": M5_MAX,
    "nvme_gen4_ssd": NVME_GEN4,
    "ufs3_1": UFS,
}
