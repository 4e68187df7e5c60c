"""DeepGym in the hands of trainers and other frameworks: a small module each, named after the framework.

Each imports its framework when used and says which extra installs it where it is missing;
``docs/integrations.md`` has a table with the versions they are tested with.

- :mod:`~deepgym_env.integrations.openrlhf`, with ``openrlhf_reward`` and ``openrlhf_agent``.
- :mod:`~deepgym_env.integrations.lm_eval`, with ``lm_eval_task``.
- :mod:`~deepgym_env.integrations.scoring`: what they have in common.
"""
