"""DeepGym in the hands of trainers and other frameworks: a small module each, named after the framework.

Each imports its framework when used and says which extra installs it where it is missing;
``docs/integrations.md`` has a table with the versions they are tested with.

- Trainers: :mod:`~deepgym_env.integrations.trl`, :mod:`~deepgym_env.integrations.axolotl`,
  :mod:`~deepgym_env.integrations.verl`, :mod:`~deepgym_env.integrations.openrlhf`,
  :mod:`~deepgym_env.integrations.sb3`.
- Evaluation and exchange: :mod:`~deepgym_env.integrations.lm_eval`, :mod:`~deepgym_env.integrations.hub`.
- Rollout protocols: :mod:`~deepgym_env.integrations.verltool`, :mod:`~deepgym_env.integrations.agent_r1`,
  :mod:`~deepgym_env.integrations.openenv`, :mod:`~deepgym_env.integrations.verifiers`,
  :mod:`~deepgym_env.integrations.skyrl_gym`, :mod:`~deepgym_env.integrations.nemo_gym`.
- Clients of other services: :mod:`~deepgym_env.integrations.sandbox_fusion`, those of SandboxFusion;
  :mod:`~deepgym_env.integrations.mcp`, those of the Model Context Protocol.
- What they have in common: :mod:`~deepgym_env.integrations.scoring`, completions to results;
  :mod:`~deepgym_env.integrations.live`, episodes by key; :mod:`~deepgym_env.integrations.serving`, servers.
"""
