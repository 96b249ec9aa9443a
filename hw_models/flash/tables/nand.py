"""NAND array times by cell type, and channel buses. Data only: no logic lives here.

Sources
  [I21] ISSCC 2021 session 30 as tabulated by AnandTech, "The Leaning Towers of TLC and QLC" (2021): read
        latency, program throughput, planes of current TLC and QLC dies
  [M]   MQSim's default device (Tavakkol et al., FAST 2018; ssdconfig of commit 7ec40e3)
  [G12] Grupp, Davis, Swanson, "The Bleak Future of NAND Flash Memory", FAST 2012: each further bit per cell
        multiplies program latency by about 4 and cuts endurance by 10 to 20
  [O]   ONFI 3.2 and 4.1/5.0: NV-DDR2 to 533 MT/s, NV-DDR3 to 1200, NV-DDR4 to 2400; Toggle DDR likewise
  [A]   assumed: typical of the type, no single source
"""

# Time from command to page register, of one program, of one block erase; program/erase cycles.
CELLS = {
    "slc": {"read_time": "25 us", "program_time": "200 us", "erase_time": "1500 us", "endurance": 100_000},
    "mlc": {"read_time": "75 us", "program_time": "750 us", "erase_time": "3800 us", "endurance": 10_000},
    "tlc": {"read_time": "50 us", "program_time": "390 us", "erase_time": "5000 us", "endurance": 3_000},
    # slc: typical single-level parts, see [G12] for the ratios; mlc: [M]
    # tlc: tR of the 2021 dies 40-50 us; 64 KiB over four planes at 168 MB/s is 390 us [I21]; erase [A]
    "qlc": {"read_time": "110 us", "program_time": "1630 us", "erase_time": "10000 us", "endurance": 1_000},
    # qlc: tR about twice that of TLC; 64 KiB over four planes at 40 MB/s is 1630 us [I21]; erase [A]
}

# Byte-wide channel buses: transfers a second = bytes a second.
BUSES = {
    "sdr_50": {"rate": "50 MB/s"},  # asynchronous, timing mode 5 [O]
    "nv_ddr2_333": {"rate": "333333333 B/s"},  # 6 ns for two transfers, as MQSim rounds 333 MT/s [M]
    "nv_ddr2_400": {"rate": "400 MB/s"},  # [O]
    "nv_ddr2_533": {"rate": "533 MB/s"},  # [O]
    "nv_ddr3_800": {"rate": "800 MB/s"},  # [O]
    "nv_ddr3_1200": {"rate": "1200 MB/s"},  # [O] also Toggle 4.0
    "nv_ddr4_1600": {"rate": "1600 MB/s"},  # [O]
    "nv_ddr4_2000": {"rate": "2000 MB/s"},  # Toggle 5.0 at the speed of the fastest 2021 dies [I21]
    "nv_ddr4_2400": {"rate": "2400 MB/s"},  # [O]
}

# Command, address and turn-around times of ONFI NV-DDR2 as in MQSim [M], in nanoseconds.
T_CS, T_WC, T_WB, T_RR, T_DBSY = 20, 25, 100, 20, 500  # select, cycle, busy, ready, dummy busy
T_ADL, T_WPST, T_WPSTH, T_CALS = 70, 6, 15, 15  # address to data, postamble, its hold, latch set-up
READ_COMMAND_NS = T_CS + 6 * T_WC + T_WB + T_RR
READ_COMMAND_PLANE_NS = 6 * T_WC + T_DBSY
PROGRAM_COMMAND_NS = T_CS + 6 * T_WC + T_ADL + T_WPST + T_WPSTH + T_WB
PROGRAM_COMMAND_PLANE_NS = 5 * T_WC + T_ADL + T_WPST + T_CALS + T_WB + T_DBSY
ERASE_COMMAND_NS = T_CS + 4 * T_WC + T_WB
SUSPEND_NS = T_CS + 3 * T_WC
