#!/usr/bin/env bash
# Everything that is claimed of a GPU, in one call on a machine that has one (H100, H200 or A100):
#
#     benchmarks/gpu.sh [quick]           # quick: about 5 minutes, tiny alone
#     benchmarks/gpu.sh pack              # where there is network: the reference and what it needs, into runs/peers
#     benchmarks/gpu.sh rehearse          # every line but the GPU's, on any machine
#
# First what is right: every kernel against float64, a whole frame against the CPU's. Then kernels against every
# attention torch has, then whole frames with 1 and 10 objects beside sam2, eager and, last, compiled. Results:
# benchmarks/results/gpu_*.json (or $OUT), the GPU named in each, written as they come. A machine without network needs
# torch with Triton, numpy, pillow, safetensors and pytest; sam2 is found in runs/peers, and left out where it is not.
# The interpreter of Python is $PYTHON, .venv/bin/python or python3.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-}"
if [ -z "$python" ]; then python=.venv/bin/python; [ -x "$python" ] || python=python3; fi
way="${1:-}"
out="${OUT:-benchmarks/results}"
mkdir -p "$out"
export PYTHONPATH="$PWD:$PWD/runs/peers${PYTHONPATH:+:$PYTHONPATH}"

if [ "$way" = pack ]; then
  mkdir -p runs/peers
  "$python" - <<'PY'
import importlib.util, pathlib, shutil
for name in ("sam2", "hydra", "omegaconf", "antlr4", "iopath", "portalocker", "tqdm"):
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise SystemExit(f"{name} is not installed here: pip install sam2==1.1.0")
    to = pathlib.Path("runs/peers") / name
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(pathlib.Path(found.origin).parent, to, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
PY
  du -sh runs/peers
  exit
fi
if [ "$way" = rehearse ]; then
  TRITON_INTERPRET=1 "$python" benchmarks/gpu_kernel.py --rehearse
  "$python" benchmarks/gpu_frames.py --rehearse --objects 1,3
  exit
fi

"$python" -c 'import sys, torch; sys.exit(0 if torch.cuda.is_available() else "No GPU that torch sees: nothing to measure.")'
# No conftest: what other tests need may not be here. A failure is told and does not keep back what can be measured.
"$python" -m pytest tests/test_on_gpu.py -q --noconftest -p no:cacheprovider || echo "NOT RIGHT: see above"
"$python" benchmarks/gpu_kernel.py ${way:+--quick} --out "$out/gpu_kernel.json"
"$python" benchmarks/gpu_frames.py ${way:+--quick} --out "$out/gpu_frames.json"
