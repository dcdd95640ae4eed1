"""The sparse layer of GPT-2. Apart, since it imports transformers."""

from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from sw.methods.sparse_layer import SparseInput


__all__ = ["SparseInputConv1D"]


class SparseInputConv1D(SparseInput, Conv1D):
    """Takes the place of a ``Conv1D``, and is one to whoever asks.

    PEFT asks: adapters are merged into weights [out, in], or into those of a ``Conv1D`` [in, out].
    """

    def _share(self, linear: nn.Linear) -> None:
        super()._share(linear)
        self.nx, self.nf = self.in_features, self.out_features

    def forward(self, x: Tensor) -> Tensor:
        """Return [..., nf] from [..., nx]; a ``Conv1D`` names its argument so."""
        return super().forward(x)

    __repr__ = nn.Module.__repr__
