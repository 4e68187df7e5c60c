"""What a runner is given: modules, packages, and its own sources where they aren't at hand.

- :data:`BOOT`: the program to start there, as ``python3 -s -S -c BOOT folder``: a folder it may write to.
- :func:`bundle`: the first bytes that program reads.
- :data:`SUITE_PRELOAD`, :data:`SUITE_PACKAGES`, :data:`SUITE_WARM`: what runners that suites of tests run in have.
- :func:`package_folders`: where a package of ours lies; :func:`modules_of`: what to import of it.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["BOOT", "DEFAULT_PRELOAD", "ENVIRONMENT", "bundle", "modules_of", "package_folders"]

# What solutions import; each costs the runner memory once and a submission nothing.
DEFAULT_PRELOAD: tuple[str, ...] = (
    *("abc", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal", "enum"),
    *("fractions", "functools", "heapq", "io", "itertools", "json", "math", "operator", "random", "re"),
    *("statistics", "string", "time", "traceback", "types", "typing"),
)
# What suites of tests use besides; a sandbox of theirs has it at hand.
SUITE_PRELOAD: tuple[str, ...] = (*DEFAULT_PRELOAD, "asyncio", "unittest", "unittest.async_case", "unittest.mock")
DATA_OF_NLTK = "nltk_data"  # where nltk looks for it; no package, and shown like one
# What a suite, or the solution it tests, may import where it is installed: what public benchmarks name, and what
# that needs in turn. Some of it every second suite imports, so it is imported once.
SUITE_WARM: tuple[str, ...] = ("numpy", "pandas", "pytest", "matplotlib", "scipy", "sklearn")
SUITE_PACKAGES: tuple[str, ...] = (
    *SUITE_WARM,
    *("_pytest py pluggy iniconfig pygments exceptiongroup tomli typing_extensions packaging six attr attrs").split(),
    *("dateutil pytz tzdata sortedcontainers scipy sklearn joblib threadpoolctl matplotlib mpl_toolkits pylab").split(),
    *("cycler kiwisolver pyparsing fontTools contourpy PIL seaborn statsmodels patsy sympy mpmath regex").split(),
    *("requests urllib3 certifi idna charset_normalizer chardet bs4 soupsieve lxml html5lib webencodings").split(),
    *("nltk tqdm click psutil yaml _yaml openpyxl et_xmlfile docx xlwt xmltodict prettytable wcwidth").split(),
    *("texttable textblob wordcloud folium branca jinja2 markupsafe xyzservices geopy geographiclib").split(),
    *("rsa pyasn1 cryptography cffi _cffi_backend pycparser Crypto blake3 faker flask werkzeug itsdangerous").split(),
    *("blinker flask_login flask_mail flask_restful aniso8601 flask_wtf wtforms django asgiref sqlparse").split(),
    *("mechanize sendgrid python_http_client natsort Levenshtein rapidfuzz wordninja holidays shapely").split(),
    *("pyquery cssselect wikipedia narwhals defusedxml cloudpickle loky ellipticcurve pytesseract").split(),
    *("cv2 skimage imageio lazy_loader networkx pywt tifffile geopandas pyproj fiona cligj click_plugins").split(),
    *("pyogrio librosa audioread soxr soundfile _soundfile _soundfile_data numba llvmlite msgpack pooch").split(),
    *("platformdirs decorator gensim smart_open wrapt requests_mock pyfakefs xlrd setuptools pkg_resources").split(),
    # Shared libraries named by the wheel, not the package.
    *("pillow.libs scikit_learn.libs scikit_image.libs shapely.libs opencv_python_headless.libs").split(),
    DATA_OF_NLTK,
)
_MODULES = {
    "numpy": ("numpy.random",),  # which the runner seeds for every submission
    "matplotlib": ("matplotlib.pyplot",),  # looks through the fonts of the machine, which takes a second
    "scipy": ("scipy.stats",),
}
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MPLCONFIGDIR": "/tmp/matplotlib",  # else matplotlib makes one of a random name, another in each runner
    "NLTK_DATA": f"/packages/{DATA_OF_NLTK}",
    "MALLOC_ARENA_MAX": "1",  # else threads reserve 64 MiB of the address space each, where its layout allows it
}
_RUNNER = Path(__file__).parent / "runner"
# Reads no byte more than it was sent: what follows are frames.
BOOT = f"""
import json, os, sys

def take(count):
    data = b""
    while len(data) < count:
        part = os.read(0, count - len(data))
        if not part:
            os._exit(1)
        data += part
    return data

for name in set(os.environ) - set({sorted(ENVIRONMENT)}):
    del os.environ[name]  # what an image sets is not ours to show
sources = json.loads(take(int.from_bytes(take(4), "little")))
folder = sys.argv.pop(1)
os.mkdir(os.path.join(folder, "runner"))
for name in sources:
    with open(os.path.join(folder, "runner", name), "w") as file:
        file.write(sources[name])
sys.path.insert(0, folder)
from runner.launch import main
main()
"""


@functools.cache
def bundle() -> bytes:
    """Return the runner's sources: ``u32 length | JSON {name: source}``."""
    sources = {path.name: path.read_text() for path in sorted(_RUNNER.glob("*.py"))}
    data = json.dumps(sources).encode()
    return len(data).to_bytes(4, "little") + data


def modules_of(packages: Sequence[str]) -> list[str]:
    """Return what to import of packages: themselves, and modules that most of their users need."""
    return [*packages, *(module for name in packages for module in _MODULES.get(name, ()))]


def package_folders(name: str) -> list[str]:
    """Return a package's folder (a module's file), and what its wheel brings beside it; none if not installed.

    That is the folder of its shared libraries and that of its metadata, which some packages read at run time.
    """
    if name == DATA_OF_NLTK:
        places = [os.path.join(sys.prefix, part) for part in ("", "share", "lib")]
        places += ["/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib", os.path.expanduser("~")]
        return [path for path in (os.path.join(place, name) for place in places) if os.path.isdir(path)][:1]
    if name.endswith(".libs"):
        return [path for path in (os.path.join(place, name) for place in sys.path) if os.path.isdir(path)][:1]
    spec = importlib.util.find_spec(name)
    if spec is None:
        return []
    if spec.submodule_search_locations is None:
        file = os.path.realpath(spec.origin) if spec.origin and os.path.isfile(spec.origin) else ""
        data = file.removesuffix(".py")  # some modules have a folder of their name beside them
        found = [path for path in dict.fromkeys((file, data)) if path and os.path.exists(path)]
    else:
        folders = [os.path.realpath(place) for place in spec.submodule_search_locations]
        found = [path for folder in folders for path in (folder, f"{folder}.libs") if os.path.isdir(path)]
    return found + [path for place in dict.fromkeys(map(os.path.dirname, found)) for path in _metadata(place, name)]


def _metadata(place: str, name: str) -> list[str]:
    pattern = re.compile(rf"{re.escape(name).replace('_', '[-_.]')}-[^-]+\.dist-info", re.IGNORECASE)
    return [os.path.join(place, entry) for entry in os.listdir(place) if pattern.fullmatch(entry)]
