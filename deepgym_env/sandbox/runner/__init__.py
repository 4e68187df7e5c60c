"""The program that lives in every sandbox: stdlib only, Python 3.8+, one frame stream to talk on.

It runs as the top-level package ``runner`` inside a sandbox and is imported as
``deepgym_env.sandbox.runner`` outside, hence the relative imports.

- :mod:`.launch`: starts it all; :mod:`.stream`: its end of the stream.
- :mod:`.supervisor`: the process that holds the stream; relays frames and keeps the limits.
- :mod:`.zygote`: pid 1 of the sandbox: a warmed interpreter that forks a child per submission.
- :mod:`.child`: that child.
- :mod:`.operations`: instead of it, in a runner that holds sessions: one operation on a session.
- :mod:`.command`, :mod:`.watch`, :mod:`.service`, :mod:`.tree`, :mod:`.caller`: commands, a scenario's service,
  files; calls of a workspace's code. :mod:`.request`: how operations are asked for.
- :mod:`.root`: what a sandbox's root holds; :mod:`.channel`: a child's end of its channel.
- :mod:`.layers`, :mod:`.isolation`, :mod:`.seccomp`, :mod:`.syscalls`, :mod:`.kernel`: how it is locked down.
- :mod:`.codec`, :mod:`.wire`: values as data, and frames; shared with the judge.
"""
