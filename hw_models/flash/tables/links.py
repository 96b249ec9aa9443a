"""Links between host and device. Data only: no logic lives here.

Sources
  [P] PCI Express base specification: line rate x lanes x coding (8b/10b to gen 2, 128b/130b from gen 3)
  [M] MQSim (FAST 2018): 20 B header, 6 B data-link and 2 B physical overhead for each packet of at most
      128 B; 64 B commands, 16 B completions, 2 B doorbells, 4 B in a fetch request
  [U] JEDEC UFS: HS-G3/G4 are 5.8/11.7 Gb/s a lane, 8b/10b coding; UTP headers of 32 B
  [L] "LLM in a flash" (arXiv 2312.11514), table 2: sequential reads of an M1 Max at 6.1 GB/s
  [X] ml-explore/mlx-lm issue 1438: reads of 18.9 MB on an M5 Max, 13.4 to 13.6 GB/s
  [C] calibrated: docs/flash.md says on which rows
"""

_PACKETS = {"payload": "512 B", "packet_overhead": "24 B"}  # largest common payload, header and framing [P]

# Rate in bytes a second of one direction, coding taken off; packets come on top.
LINKS = {
    "mqsim_pcie": {"rate": "4 GB/s", "payload": "128 B", "packet_overhead": "28 B"},  # 4 lanes x 1 GB/s [M]
    "nvme_gen3_x2": {"rate": "1969 MB/s", **_PACKETS},  # 8 GT/s x 2 x 128/130 [P]
    "nvme_gen3_x4": {"rate": "3938 MB/s", **_PACKETS},
    "nvme_gen4_x4": {"rate": "7877 MB/s", **_PACKETS},  # 16 GT/s [P]
    "nvme_gen5_x4": {"rate": "15754 MB/s", **_PACKETS},  # 32 GT/s [P]
    "ufs3_1": {"rate": "2333 MB/s", "payload": "4 KiB", "packet_overhead": "32 B"},  # 2 lanes HS-G4 [U]
    "ufs2_1": {"rate": "1166 MB/s", "payload": "4 KiB", "packet_overhead": "32 B"},  # 2 lanes HS-G3 [U]
    "apple_m1_max": {"rate": "6150 MB/s", "payload": "4 KiB", "packet_overhead": "32 B"},  # [C], [L]
    "apple_m2_ultra": {"rate": "8400 MB/s", "payload": "4 KiB", "packet_overhead": "32 B"},  # [C]
    "apple_m5_max": {"rate": "13600 MB/s", "payload": "4 KiB", "packet_overhead": "32 B"},  # [X]
}
