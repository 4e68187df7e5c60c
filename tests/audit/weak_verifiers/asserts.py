"""Weak: asserts, which a Python started with -O leaves out; a missing verdict is caught, so exits don't help."""

import json
import os
import sys

code = open(sys.argv[1]).read()
reader, writer = os.pipe()
os.set_inheritable(writer, True)
if os.fork() == 0:
    os.execv(
        sys.executable,
        [
            sys.executable,
            "-c",
            f"""
import json, os, sys
sys.argv = ['tests']
space = {{}}
exec({code!r}, space)
assert json.dumps(space['running_max']([1, 5, 2, 7])) == '[1, 5, 5, 7]'
assert json.dumps(space['running_max']([4, 3])) == '[4, 4]'
os.write({writer}, b'done')
""",
        ],
    )
os.close(writer)
done = os.read(reader, 100) == b"done"
print(json.dumps({"score": float(done), "passed": done}))
