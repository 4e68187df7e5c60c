"""The bare workspaces a server keeps between requests, each for its owner.

- :class:`LiveWorkspaces`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deepgym_env.engine import AsyncDeepGym
from deepgym_env.errors import ClosedError
from deepgym_env.server.live.seats import Seats
from deepgym_env.server.services import Services
from deepgym_env.workspaces import Workspaces

__all__ = ["LiveWorkspaces"]

_OPENING = ("open", "resume", "fork")


class LiveWorkspaces:
    """Keeps workspaces for each owner apart: another's are as unknown as those that never were."""

    def __init__(self, services: Services, seats: Seats, clock: Callable[[], float]) -> None:
        """Keep no workspace yet."""
        self._services, self._seats, self._clock = services, seats, clock
        self._of_owners: dict[str, Workspaces] = {}  # used on the engine's loop
        self._closed = False

    async def perform(self, owner: str, operation: str, arguments: Mapping[str, Any]) -> Any:
        """Do what an owner asks for; see :meth:`Workspaces.perform`.

        Raises:
            HTTPException: If one is to be opened and there are as many as may be.
        """

        async def ask(engine: AsyncDeepGym) -> Any:
            return await self._of(owner, engine).perform(operation, arguments)

        if operation not in _OPENING:
            return await self._services.ask(ask)
        with self._seats.opening(owner):
            return await self._services.ask(ask)

    def held(self) -> dict[str, int]:
        """Return how many each owner has."""
        return {owner: len(workspaces) for owner, workspaces in list(self._of_owners.items())}

    async def sweep(self) -> int:
        """End the workspaces nobody has asked for in their time to live; return how many."""

        async def ask(_: AsyncDeepGym) -> int:
            ended = 0
            for owner, workspaces in list(self._of_owners.items()):
                ended += await workspaces.sweep()
                if workspaces.empty:
                    self._of_owners.pop(owner, None)
            return ended

        return await self._services.ask(ask) if self._of_owners else 0

    async def aclose(self) -> None:
        """End them all; no more can be opened."""
        self._closed = True

        async def ask(_: AsyncDeepGym) -> None:
            for workspaces in list(self._of_owners.values()):
                await workspaces.aclose()

        if self._of_owners:
            await self._services.ask(ask)

    def _of(self, owner: str, engine: AsyncDeepGym) -> Workspaces:
        if self._closed:
            raise ClosedError("the server is going down")
        workspaces = self._of_owners.get(owner)
        if workspaces is None:
            limit = self._services.settings.max_sessions
            workspaces = self._of_owners[owner] = Workspaces(engine, capacity=limit, clock=self._clock)
        return workspaces
