"""Working on another machine: the REST API's messages, and the executor that speaks them.

- :mod:`~deepgym_env.remote.wire`: what goes over the wire, for the server and its clients;
  :mod:`~deepgym_env.remote.wire_programs`: the part about programs, the sandbox and audits.
- :mod:`~deepgym_env.remote.executor`: what ``DeepGym(mode="remote", url=...)`` works with.
"""
