# pip install httpx
import asyncio
import json
import os

import httpx

url = os.environ.get("ROUTER_URL", "http://127.0.0.1:7071")
headers = {"api-key": os.environ.get("ROUTER_KEY", "local"), "x-agent-name": "cpt_agent"}


async def main() -> None:
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=230) as router:
        question = {"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": "Tell me a story"}]}
        async with router.stream("POST", "/openai/v1/chat/completions", json=question) as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                # Lines that begin with a colon are comments: they keep the connection alive.
                if not line.startswith("data: ") or line == "data: [DONE]":
                    continue
                chunk = json.loads(line.removeprefix("data: "))
                if "error" in chunk:
                    raise SystemExit(chunk["error"]["message"])
                for choice in chunk["choices"]:
                    print(choice["delta"].get("content") or "", end="", flush=True)
    print()


asyncio.run(main())
