# pip install requests
import os

import requests

url = os.environ.get("ROUTER_URL", "http://127.0.0.1:7071")
router = requests.Session()
router.headers.update({"api-key": os.environ.get("ROUTER_KEY", "local"), "x-agent-name": "cpt_agent"})

answer = router.post(
    f"{url}/openai/v1/chat/completions",
    json={"model": "gpt-4.1", "messages": [{"role": "user", "content": "How tall is the house?"}]},
    timeout=230,  # the router answers before that, also when it has to try several deployments
)
answer.raise_for_status()
print(answer.json()["choices"][0]["message"]["content"])
print("served by", answer.headers["x-router-deployment"], "after", answer.headers["x-router-attempts"], "attempt(s)")

# Data that fits a schema, without fences to strip and JSON to repair.
schema = {
    "type": "object",
    "properties": {"code": {"type": "string"}, "urgent": {"type": "boolean"}},
    "required": ["code", "urgent"],
    "additionalProperties": False,
}
visit = router.post(
    f"{url}/router/generate/structured",
    json={"model": "gpt-4.1", "prompt": "Knee pain since yesterday, cannot walk.", "schema": schema},
    timeout=230,
)
if visit.status_code == 422:
    raise SystemExit(f"not usable: {visit.json()['error']['raw']}")
visit.raise_for_status()
print("code", visit.json()["data"]["code"])
