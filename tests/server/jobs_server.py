"""A server process for tests of jobs: ``python jobs_server.py '<settings as JSON>'`` prints its port.

A task ``lethal`` ends the process that loads it with the seed 9.
"""

from __future__ import annotations

import os
import signal
import socket
import sys

import uvicorn

from deepgym_env import Call, DeepGym, Task, TestCase, added_tasks
from deepgym_env.server.app import create_app
from deepgym_env.server.settings import Settings


def lethal(seed: int = 0) -> Task:
    if seed == 9:
        os.kill(os.getpid(), signal.SIGKILL)
    test = TestCase(id="t", calls=(Call(args=(1,), expected=1),))
    return Task(id="lethal", title="Lethal", prompt="Write f.", entry_point="f", tests=(test,), seed=seed)


def main() -> None:
    added_tasks.keep(added_tasks.describe(lethal, "lethal"))
    listening = socket.create_server(("127.0.0.1", 0))
    engine = DeepGym(workers=1)
    app = create_app(Settings.model_validate_json(sys.argv[1]), engine=engine)
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])
    engine.close()


if __name__ == "__main__":
    main()
