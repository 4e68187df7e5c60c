"""verifiers' taskset of NeMo-Gym rows, without the server of tools, which rows for ``/verify`` have none of."""

from verifiers.v1.tasksets.nemo_gym import NeMoGymTaskset

__all__ = ["NeMoRows"]


class NeMoRows(NeMoGymTaskset):
    @classmethod
    def toolsets(cls, config):
        return []
