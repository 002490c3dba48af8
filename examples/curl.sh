#!/usr/bin/env bash
set -euo pipefail
url="${ROUTER_URL:-http://127.0.0.1:7071}"
key="${ROUTER_KEY:-local}"

# A chat, as Azure OpenAI takes it; -i shows in the headers where it went.
curl -sS --fail-with-body -i -w '\n' "$url/openai/deployments/gpt-4.1/chat/completions?api-version=2025-01-01-preview" \
  -H "api-key: $key" -H 'x-agent-name: cpt_agent' -H 'content-type: application/json' \
  -d '{"messages": [{"role": "user", "content": "How tall is the house?"}]}'

# A stream, as OpenAI has it.
curl -sS --fail-with-body -N "$url/openai/v1/chat/completions" \
  -H "authorization: Bearer $key" -H 'x-agent-name: cpt_agent' -H 'content-type: application/json' \
  -d '{"model": "gpt-4.1", "stream": true, "messages": [{"role": "user", "content": "Tell me a story"}]}'

# Data that fits a schema.
curl -sS --fail-with-body -w '\n' "$url/router/generate/structured" \
  -H "api-key: $key" -H 'x-agent-name: cpt_agent' -H 'content-type: application/json' \
  -d '{"model": "gpt-4.1", "prompt": "Knee pain since yesterday, cannot walk.",
       "schema": {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"], "additionalProperties": false}}'
