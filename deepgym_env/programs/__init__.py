"""Plain programs: compiled once, run on many inputs, in any language the sandbox has a toolchain for.

- :class:`Program`: what is run; :class:`ProgramResult`: what it came to.
- :class:`ProgramRunner`: compiles and runs them in sessions; :data:`RunProgram`: runs one that is compiled.
- :data:`LANGUAGES`: how each language is compiled and run.
"""

from deepgym_env.programs.languages import LANGUAGES, Language
from deepgym_env.programs.program import Program, ProgramResult, ProgramStatus, ProgramTiming
from deepgym_env.programs.running import ProgramRunner, RunProgram

__all__ = [
    "LANGUAGES",
    "Language",
    "Program",
    "ProgramResult",
    "ProgramRunner",
    "ProgramStatus",
    "ProgramTiming",
    "RunProgram",
]
