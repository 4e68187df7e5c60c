"""``deepgym`` with a task more: ``lethal`` ends the process that loads it with the seed 9."""

from __future__ import annotations

import os
import signal

from deepgym_env import Call, Task, TestCase, added_tasks
from deepgym_env.cli import main


def lethal(seed: int = 0) -> Task:
    if seed == 9:
        os.kill(os.getpid(), signal.SIGKILL)
    test = TestCase(id="t", calls=(Call(args=(1,), expected=1),))
    return Task(id="lethal", title="Lethal", prompt="Write f.", entry_point="f", tests=(test,), seed=seed)


if __name__ == "__main__":
    added_tasks.keep(added_tasks.describe(lethal))
    main()
