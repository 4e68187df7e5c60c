"""The program that lives in every sandbox: stdlib only, Python 3.8+, one frame stream to talk on.

It runs as the top-level package ``runner`` inside a sandbox and is imported as
``deepgym_env.sandbox.runner`` outside, hence the relative imports.

- :mod:`.launch`: starts it all; :mod:`.stream`: its end of the stream.
- :mod:`.supervisor`: the process that holds the stream; relays frames and keeps the limits.
- :mod:`.zygote`: pid 1 of the sandbox: a warmed interpreter that forks a child per submission.
- :mod:`.child`: that child.
- :mod:`.layers`, :mod:`.isolation`, :mod:`.seccomp`, :mod:`.syscalls`, :mod:`.kernel`: how it is locked down.
- :mod:`.codec`, :mod:`.wire`: values as data, and frames; shared with the judge.
"""
