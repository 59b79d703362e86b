#!/usr/bin/env bash
# Datasette's `llm` (pip install llm) against a running `vlm serve`:
#
#     vlm serve &
#     bash examples/clients/llm.sh [http://127.0.0.1:8000/v1]
#
# A picture, an answer as it comes, a schema, several items of a schema, a conversation of two turns.
set -euo pipefail
base="${1:-http://127.0.0.1:8000/v1}"
pictures="$(cd "$(dirname "$0")/.." && pwd)"

LLM_USER_PATH="$(mktemp -d)" # its settings and log; the user's own stay as they are
export LLM_USER_PATH
trap 'rm -rf "$LLM_USER_PATH"' EXIT
cat > "$LLM_USER_PATH/extra-openai-models.yaml" <<YAML
- model_id: studio
  model_name: studio
  api_base: $base
  api_key_name: studio
  vision: true
  audio: true
  supports_schema: true
YAML
llm keys set studio --value none

say() { printf '\n$ llm %s\n' "$*"; llm "$@"; }
cd "$pictures"
say -m studio "How many circles are there?" -a shapes.png --no-stream
say -m studio "Describe the image in detail." -a chart.png -o temperature 0
say -m studio "What is the title?" -a chart.png --schema "title, kind: bar or line or pie" -o max_tokens 200
say -m studio "Which rooms are there?" -a floor_plan.png --schema-multi "name, area int" -o max_tokens 200 --no-stream
say -m studio "What is said?" -a question.wav
say -m studio "How many squares are there?" -a shapes.png -s "Answer with a number."
say -m studio -c "And how many circles?"
say logs list --count 1 --usage --short
