"""The REST API: DeepGym for trainers on other machines and in other languages.

- :func:`~deepgym_env.server.app.create_app`: the FastAPI application; ``deepgym serve`` runs it.
- :class:`~deepgym_env.server.settings.Settings`: how it behaves.
"""
