"""A harness plugin that asks the model once, over HTTP; those of verifiers install programs first."""

from __future__ import annotations

import httpx
import verifiers.v1 as vf

__all__ = ["AskOnce"]


class AskOnceConfig(vf.HarnessConfig):
    pass


class AskOnce(vf.Harness[AskOnceConfig]):
    APPENDS_SYSTEM_PROMPT = True
    EXECUTES_CODE = False
    NEEDS_CONTAINER = False

    async def launch(
        self, ctx, trace, runtime, endpoint, secret, mcp_urls, data, tool_interception_url=None
    ) -> vf.ProgramResult:
        body = {"model": ctx.model, "messages": [{"role": "user", "content": data.prompt_text}]}
        async with httpx.AsyncClient(base_url=endpoint, headers={"authorization": f"Bearer {secret}"}) as http:
            answer = await http.post("/chat/completions", json=body)
        return vf.ProgramResult(0 if answer.is_success else 1, answer.text, "")
