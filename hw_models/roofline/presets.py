"""Machines that run a transformer's arithmetic. Data only.

A preset is named after machine and software: `rtx_4090.vllm`. The paper's four have short names too.

Sources
  [A1] Apple newsroom, 18 October 2021, M1 Max: 400 GB/s unified memory, 10.4 TFLOPS GPU
  [T]  tlkh.dev, "Benchmarking the Apple M1 Max", 2021: about 2 TFLOPS of FP32 GEMM through Accelerate (AMX)
  [A2] Apple newsroom, 5 June 2023, M2 Ultra: 800 GB/s, 76-core GPU, 27.2 TFLOPS
  [N]  NVIDIA Ada GPU architecture white paper, appendix A, RTX 4090: 24 GB, 1008 GB/s, 82.6 TFLOPS FP32,
       165.2 TFLOPS FP16/BF16 tensor with FP32 accumulation
  [C1] calibrated against compute_ms of the Naive rows of table 3 of arXiv 2312.11514 (and nothing else)
  [C2] calibrated against the OPT 6.7B "All" rows of the same table, one machine each; see docs/llm.md
  [A3] Apple newsroom, March 2026, M5 Max: 614 GB/s, 128 GB
  [X]  ml-explore/mlx-lm issue 1438: GLM-5.2's experts from the SSD of an M5 Max, docs/llm.md says which rows
  [Y]  ddalcu/mlx-serve issue 120, an M5 Max with 128 GiB: 6 GiB of the system and 14 GB of other programs
  [A]  assumed: docs/llm.md says how much the results move with it
"""

from typing import Any

# Moving rows of a DRAM-resident matrix: 57 ms at 32 KiB and 35 ms at 16 KiB a row, two moves of 12.7k rows a
# token, are one line: 0.51 us a row and 18.8 GB/s. The same memory, whichever processor computes. [C2]
M1_MAX_MEMORY = {"row_overhead": "510 ns", "copy_bandwidth": "18.8 GB/s"}

PRESETS: dict[str, dict[str, Any]] = {
    "m1_max_cpu": {
        "memory_bandwidth": "400 GB/s",  # [A1]
        "peak": {"fp32": "2 TFLOPS", "fp16": "2 TFLOPS", "bf16": "2 TFLOPS"},  # [T]; half precision [A]
        "efficiency": {
            "gemv": 0.0715,  # of memory bandwidth; five models, best fit [C1], range 0.066-0.090
            "gemm": 0.8,  # of peak [A]
            "attention": 0.0715,  # reading the KV cache, as gemv [A]
            "sparse_ffn": 1.0,  # against gemv: the resident rows are one dense block in memory [A]
        },
        **M1_MAX_MEMORY,
    },
    "m1_max_metal": {
        "memory_bandwidth": "400 GB/s",  # [A1]
        "peak": {"fp32": "10.4 TFLOPS", "fp16": "10.4 TFLOPS", "bf16": "10.4 TFLOPS"},  # [A1]; half [A]
        "efficiency": {
            "gemv": 0.172,  # [C1]
            "gemm": 0.6,  # [A]
            "attention": 0.172,  # [A]
            "sparse_ffn": 0.083,  # row-strided halves of the bundled matrix under MLX [C2: M1 row], 0.07-0.10
        },
        **M1_MAX_MEMORY,
    },
    "m2_ultra_metal": {
        "memory_bandwidth": "800 GB/s",  # [A2]
        "peak": {"fp32": "27.2 TFLOPS", "fp16": "27.2 TFLOPS", "bf16": "27.2 TFLOPS"},  # [A2]; half [A]
        "efficiency": {
            "gemv": 0.133,  # [C1]
            "gemm": 0.6,  # [A]
            "attention": 0.133,  # [A]
            "sparse_ffn": 0.083,  # the M1 Metal figure: same software, so this row is predicted
        },
        "row_overhead": "100 ns",  # [C2], 0-300 ns
        "copy_bandwidth": "76 GB/s",  # [C2], 52-100 GB/s
    },
    "rtx_4090": {
        "capacity": "24 GB",  # [N]
        "memory_bandwidth": "1008 GB/s",  # [N]
        "peak": {"fp32": "82.6 TFLOPS", "fp16": "165.2 TFLOPS", "bf16": "165.2 TFLOPS"},  # [N]
        "efficiency": {
            "gemv": 0.605,  # [C1]
            "gemm": 0.6,  # [A]
            "attention": 0.605,  # [A]
            "sparse_ffn": 1.0,  # [A]
        },
        "block_floor": "200 us",  # kernels of one eager-mode block cannot be launched faster [C2], 150-250 us
        # New rows cross PCIe 4.0 x16 (25 GB/s) while flash is still read (7 GB/s): no time of their own.
        "row_overhead": "0 ns",  # rows are moved by one gather kernel [A]
        "copy_bandwidth": "500 GB/s",  # within the card's memory, once read and once written [A]
        "update_overhead": "1050 us",  # index selection, synchronisation, launches [C2], 900-1100 us
    },
}

for _name in tuple(PRESETS):  # these efficiencies are those of the paper's software
    PRESETS[f"{_name}.llm_in_a_flash"] = PRESETS[_name]

# Software of llama.cpp (2024), a set for all machines of a kind, fitted to three decode rates of an M2 Ultra,
# and two of an RTX 3090 (`dlasim validate llm-kernels`). CUDA multiplies packed numbers as they are.
LLAMACPP_METAL: dict[str, Any] = {
    "efficiency": {"gemv": 0.878, "gemm": 0.6, "attention": 0.878},
    "unpack": 27,
    "block_overhead": "85 us",
}
LLAMACPP_CUDA: dict[str, Any] = {
    "efficiency": {"gemv": 0.884, "gemm": 0.6, "attention": 0.884},
    "block_overhead": "48 us",
}
STEP = "1300 us"  # of vLLM 0.19's software, calibrated on 300 requests on the RTX 4090 (docs/llm_serving.md)
PRESETS |= {
    "rtx_4090.vllm": {
        "capacity": "24 GB",  # [N]
        "memory_bandwidth": "1008 GB/s",  # [N]
        "peak": {"fp16": "165.2 TFLOPS", "bf16": "165.2 TFLOPS"},  # [N]
        "efficiency": {"gemv": 0.945, "gemm": 0.978, "attention": 0.90},  # fitted kernels, `gpus.py`
        "kernels": "rtx_4090",
        "step_overhead": STEP,
    },
    "rtx_pro_6000.vllm": {
        "capacity": "96 GB",  # NVIDIA data sheet
        "memory_bandwidth": "1792 GB/s",
        "peak": {"fp16": "503.8 TFLOPS", "bf16": "503.8 TFLOPS"},
        "efficiency": {"gemv": 0.871, "gemm": 0.816, "attention": 0.80},
        "kernels": "rtx_pro_6000",
        "step_overhead": STEP,
    },
    "a100_80gb.vllm": {
        "capacity": "80 GB",  # NVIDIA data sheet
        "memory_bandwidth": "2039 GB/s",
        "peak": {"fp16": "312 TFLOPS", "bf16": "312 TFLOPS"},
        "efficiency": {"gemv": 0.913, "gemm": 0.706, "attention": 0.85},
        "kernels": "a100_80gb",
        "step_overhead": STEP,
    },
    "h100.vllm": {
        "capacity": "80 GB",  # NVIDIA data sheet, SXM
        "memory_bandwidth": "3352 GB/s",
        "peak": {"fp16": "989.4 TFLOPS", "bf16": "989.4 TFLOPS"},
        "efficiency": {"gemv": 0.961, "gemm": 0.772, "attention": 0.85},
        "kernels": "h100",
        "step_overhead": STEP,
    },
    "a100_80gb.eager": {  # PyTorch without fused attention: docs/llm_systems.md says what it is fitted to
        "capacity": "80 GB",  # NVIDIA data sheet
        "memory_bandwidth": "2039 GB/s",
        "peak": {"fp16": "312 TFLOPS", "bf16": "312 TFLOPS"},
        "efficiency": {"gemv": 0.84, "gemm": 0.7, "attention": 0.84},
        "attention": "eager",
        "block_floor": "900 us",
    },
    # llama.cpp in F16, shares of bandwidth (XiongjieDai/GPU-Benchmarks-on-LLM-Inference, 2024): 8B, 16.06 GB
    # a token, at 54.34 tokens/s on the 4090; 70B, 141.1 GB, at 4.71 on the M2 Ultra; the M1 Max as that [A]
    "m1_max.llamacpp": {
        "memory_bandwidth": "400 GB/s",  # [A1]
        "peak": {"fp32": "10.4 TFLOPS", "fp16": "10.4 TFLOPS", "bf16": "10.4 TFLOPS"},  # [A1]
        **LLAMACPP_METAL,
        "unpack": 35,  # of its own rates with models of 8 and 70 G parameters
    },
    "m2_ultra.llamacpp": {
        "memory_bandwidth": "800 GB/s",  # [A2]
        "peak": {"fp32": "27.2 TFLOPS", "fp16": "27.2 TFLOPS", "bf16": "27.2 TFLOPS"},  # [A2]
        **LLAMACPP_METAL,
    },
    "m5_max.mlx": {
        "capacity": "128 GiB",  # [A3]
        "reserved": "20 GB",  # [Y]
        "memory_bandwidth": "614 GB/s",  # [A3]
        "peak": {"fp16": "36 TFLOPS", "bf16": "36 TFLOPS"},  # [A]
        "efficiency": {"gemv": 0.83, "gemm": 0.6, "attention": 0.83},  # as llama.cpp on its elders [A]
        "copy_bandwidth": "6 GB/s",  # from a file's pages into an array of the program [X]
        "swap_bandwidth": "2 GB/s",  # [X]
    },
    "rtx_4090.llamacpp": {
        "capacity": "24 GB",
        "memory_bandwidth": "1008 GB/s",
        "peak": {"fp32": "82.6 TFLOPS", "fp16": "165.2 TFLOPS", "bf16": "165.2 TFLOPS"},  # [N]
        **LLAMACPP_CUDA,
    },
}
