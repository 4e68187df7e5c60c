"""What a sandbox is told to do with a program.

- :class:`Plan`: commands, variables and limits of a program's compiler and of its runs.
- :data:`PROBE_LIMITS`: what asking for a toolchain may use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deepgym_env.programs.languages import LANGUAGES, Language, Names
from deepgym_env.programs.program import Program
from deepgym_env.task import File, SessionLimits

__all__ = ["PROBE_LIMITS", "Plan"]

_COMPILER_OUTPUT = 16_384
_COMPILER_PROCESSES = 256
_NO_BOUND_MB = 1 << 24  # of address space
PROBE_LIMITS = SessionLimits(cpu_seconds=20.0, processes=_COMPILER_PROCESSES, address_space_mb=_NO_BOUND_MB)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done with a program; worked out once.

    Example:
        >>> Plan.of(Program(language="c", code="int main() {}", args=("-v",))).run
        ('./main', '-v')
    """

    program: Program
    files: tuple[File, ...]
    compile: tuple[str, ...]
    compile_env: dict[str, str]
    compile_limits: SessionLimits
    run: tuple[str, ...]
    run_env: dict[str, str]
    run_limits: SessionLimits

    @classmethod
    def of(cls, program: Program) -> Plan:
        """Return what is done with ``program``."""
        language, names = LANGUAGES[program.language], program.names()
        words = _words(names, program.limits.memory_mb)
        # Half a character is for the compiler to refuse.
        source = File(names.source, program.code.encode("utf-8", "surrogatepass"))
        return cls(
            program=program,
            files=(*program.files, source),
            compile=tuple(_filled(word, words) for word in language.compile),
            compile_env=_filled_all(language.compile_env, words),
            compile_limits=_compile_limits(program, language),
            run=(*(_filled(word, words) for word in language.run), *program.args),
            run_env=_filled_all(language.run_env, words),
            run_limits=_run_limits(program, language),
        )


def _words(names: Names, memory_mb: int) -> dict[str, str]:
    """Return what stands for what in a language's commands."""
    stack_mb = max(8, min(64, memory_mb // 8))  # Java takes several times as much when it overflows
    return {"{source}": names.source, "{main}": names.main, "{memory}": str(memory_mb), "{stack}": str(stack_mb)}


def _filled(text: str, words: Mapping[str, str]) -> str:
    for place, word in words.items():
        text = text.replace(place, word)
    return text


def _filled_all(env: Mapping[str, str], words: Mapping[str, str]) -> dict[str, str]:
    return {name: _filled(value, words) for name, value in env.items()}


def _compile_limits(program: Program, language: Language) -> SessionLimits:
    limits = program.limits
    return SessionLimits(
        cpu_seconds=limits.compile_cpu_seconds,
        wall_seconds=limits.compile_wall_seconds,
        memory_mb=limits.compile_memory_mb,
        address_space_mb=_NO_BOUND_MB if language.compiler_reserves else None,
        deep_stack=True,
        processes=_COMPILER_PROCESSES,
        output_bytes=_COMPILER_OUTPUT,
        disk_mb=limits.disk_mb + language.build_mb,
    )


def _run_limits(program: Program, language: Language) -> SessionLimits:
    limits = program.limits
    return SessionLimits(
        cpu_seconds=limits.cpu_seconds,
        wall_seconds=limits.wall_seconds,
        memory_mb=limits.memory_mb + language.overhead_mb,
        address_space_mb=_NO_BOUND_MB if language.runtime_reserves else None,
        deep_stack=True,
        processes=limits.processes,
        output_bytes=limits.output_bytes + limits.output_bytes % 2,  # half is kept of each end
        disk_mb=limits.disk_mb,
    )
