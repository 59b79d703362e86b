#!/usr/bin/env bash
# The MCP inspector's command line (npx, Node 20 or newer) against `vlm mcp`, which it starts itself:
#
#     bash examples/clients/mcp_inspector.sh                                  over stdin and stdout
#     VLM_API_KEY=key vlm mcp --http --root examples &
#     VLM_API_KEY=key bash examples/clients/mcp_inspector.sh http://127.0.0.1:8765/mcp
#
# Every tool once, and a path outside the root. Status 1 if a tool fails.
set -uo pipefail
pictures="$(cd "$(dirname "$0")/.." && pwd)"
vlm="$(command -v vlm)"
if [ $# -gt 0 ]; then
  server=("$1" --transport http --header "Authorization: Bearer ${VLM_API_KEY:-}")
else
  server=("$vlm" mcp --root "$pictures")
fi
status=0

inspect() { npx -y @modelcontextprotocol/inspector --cli -e PYTHONPATH="${PYTHONPATH:-}" "${server[@]}" "$@"; }
call() { # wanted (true: an error), tool, arguments
  local wanted="$1" tool="$2" arguments=() one
  shift 2
  for one in "$@"; do arguments+=(--tool-arg "$one"); done
  printf '\n$ %s %s\n' "$tool" "$*"
  local answer
  answer="$(inspect --method tools/call --tool-name "$tool" "${arguments[@]}")" || true
  printf '%s\n' "$answer" | head -c 600
  local error=false
  grep -q '"isError": true' <<< "$answer" && error=true
  if [ "$error" != "$wanted" ] || ! grep -q '"content"' <<< "$answer"; then
    echo "^ not as it should be" >&2
    status=1
  fi
}

inspect --method tools/list | grep '^      "name"' || status=1
call false ask question="How many swatches are there?" 'images=["palette.png"]'
call false alt_text image=shapes.png
call false caption 'images=["shapes.png", "sign.png"]' style=short
call false transcribe sound=question.wav
call false palette image=palette.png
call false contrast image=wireframe.png
call false compare before=shapes.png after=sign.png
call false critique image=wireframe.png
call false wireframe image=wireframe.png labels=2
call false floor_plan image=floor_plan.png
call false chart_data image=chart.png
call true alt_text image=/etc/passwd
exit $status
