"""Images for sandboxes in containers, made without a registry.

- :func:`build_image`: make one of this machine's programs, of a Debian mirror, or of a root file system.
- :class:`BuiltImage`: what came of it. :func:`list_images`: those the daemon holds.
- :data:`PROGRAMS`: the programs looked for on this machine, and in the image.

An image is imported as one layer, checked in a throw-away container as sandboxes start them (an unprivileged
user, a read-only root, no network), and only then given its tag: what has the tag works.
"""

from deepgym_env.images.build import build_image
from deepgym_env.images.daemon import BuiltImage, list_images
from deepgym_env.images.programs import PROGRAMS

__all__ = ["PROGRAMS", "BuiltImage", "build_image", "list_images"]
