#!/usr/bin/env bash
# lmms-eval (pip install lmms-eval, in an environment of its own) on local pictures, with no network:
#
#     vlm serve &
#     python examples/clients/lmms_eval/make.py studio_pictures      in this project's environment
#     bash examples/clients/lmms_eval/run.sh [http://127.0.0.1:8000/v1]
#
# in the folder that holds studio_pictures.
set -euo pipefail
base="${1:-http://127.0.0.1:8000/v1}"
task="$(cd "$(dirname "$0")" && pwd)"
export HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 TRANSFORMERS_OFFLINE=1 PYTHONWARNINGS=ignore
lmms-eval eval --model openai \
    --model_args "model=studio,base_url=$base,api_key=none,timeout=600,max_retries=1,num_concurrent=8,httpx_trust_env=False" \
    --include_path "$task" --tasks studio --batch_size 1 --log_samples --output_path studio_results
