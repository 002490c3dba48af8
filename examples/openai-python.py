# pip install openai
import os

from openai import AzureOpenAI, OpenAI

url = os.environ.get("ROUTER_URL", "http://127.0.0.1:7071")
key = os.environ.get("ROUTER_KEY", "local")
headers = {"x-agent-name": "cpt_agent"}

# Where AzureOpenAI is in use, its endpoint is the only change.
azure = AzureOpenAI(azure_endpoint=url, api_key=key, api_version="2025-01-01-preview", default_headers=headers)
answer = azure.chat.completions.with_raw_response.create(
    model="gpt-4.1",
    messages=[{"role": "user", "content": "How tall is the house?"}],
)
print(answer.parse().choices[0].message.content)
print("served by", answer.headers["x-router-deployment"])

# Where OpenAI is in use, its base URL.
client = OpenAI(base_url=f"{url}/openai/v1", api_key=key, default_headers=headers)
stream = client.chat.completions.create(
    model="gpt-4.1",
    messages=[{"role": "user", "content": "Tell me a story"}],
    stream=True,
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
