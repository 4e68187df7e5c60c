"""``python -m deepgym_env.cli``: the command where its script is not on the path."""

from deepgym_env.cli import main

main()
