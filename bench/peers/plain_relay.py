"""What one writes over a weekend: FastAPI, the `openai` SDK, a socket; nothing is stored.

    uvicorn bench.peers.plain_relay:app --port PORT

In: `{"chat": …, "model": …, "text": …}`.
Out: `{"chat": …, "text": …}` for each token, then `{"chat": …, "done": true}`.
"""

from __future__ import annotations

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from openai import AsyncOpenAI

app = FastAPI()
client = AsyncOpenAI(max_retries=0)


@app.get("/readyz")
async def is_ready() -> dict[str, str]:
    return {"status": "ok"}


@app.websocket("/chat")
async def chat(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await _answer(socket, await socket.receive_json())
    except WebSocketDisconnect:
        pass


async def _answer(socket: WebSocket, asked: dict[str, str]) -> None:
    stream = await client.chat.completions.create(
        model=asked["model"], messages=[{"role": "user", "content": asked["text"]}], stream=True
    )
    async for chunk in stream:
        text = chunk.choices[0].delta.content if chunk.choices else None
        if text:
            await socket.send_json({"chat": asked["chat"], "text": text})
    await socket.send_json({"chat": asked["chat"], "done": True})
