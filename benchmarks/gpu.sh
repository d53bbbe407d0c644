#!/usr/bin/env bash
# Everything that is claimed of a GPU, in one call on a machine that has one (H100, H200 or A100):
#
#     VIDMEM_DATA=… benchmarks/gpu.sh [quick]
#
# Kernel correctness against float64, timings against every attention torch has, whole frames of tiny to large with 1 and
# 10 objects beside sam2, eager and compiled. Results: benchmarks/results/gpu_*.json, the GPU named in each.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
quick="${1:-}"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"

"$python" -c 'import torch, sys; sys.exit(0 if torch.cuda.is_available() else "No GPU that torch sees: nothing to measure.")'
"$python" -m pytest tests/test_triton.py tests/test_memory_attention.py -q
"$python" benchmarks/gpu_kernel.py ${quick:+--quick} --out benchmarks/results/gpu_kernel.json
"$python" benchmarks/gpu_frames.py ${quick:+--quick} --out benchmarks/results/gpu_frames.json
