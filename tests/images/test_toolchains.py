"""The table of toolchains: no image, and no daemon."""

from deepgym_env.images.toolchains import TOOLCHAINS
from deepgym_env.programs import LANGUAGES


def test_what_an_image_can_be_given_is_what_programs_can_be_written_in():
    assert set(TOOLCHAINS) == set(LANGUAGES) - {"python", "bash"}, "these two are in every image"
    for language, toolchain in TOOLCHAINS.items():
        assert set(LANGUAGES[language].packages.split()) <= set(toolchain.packages), language
