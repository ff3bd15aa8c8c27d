"""Faster training of small transformers: a fairseq ``--user-dir`` module.

``fairseq-train --user-dir workflow/scripts/train/fairseq_fast`` gains

* ``--criterion fused_label_smoothed_cross_entropy``, the stock loss with less work
  (:mod:`.criterion`), and the switches ``--autocast``, ``--matmul-precision`` and
  ``--fast-dropout``;
* ``--optimizer fused_adamw``, AdamW in one kernel (:mod:`.optimizer`);
* checkpoints that torch >= 2.6 agrees to load (:func:`allow_checkpoint_classes`).

Neither the model nor the task is changed: a checkpoint says ``--task translation --arch
transformer...`` and is read by ``fairseq-generate`` and by CTranslate2's ``FairseqConverter``
as any other.
"""

from .checkpoint import allow_checkpoint_classes
from .criterion import FusedLabelSmoothedCrossEntropy
from .dropout import ByteDropout, replace_dropout
from .optimizer import FusedAdamW

__all__ = [
    "ByteDropout",
    "FusedAdamW",
    "FusedLabelSmoothedCrossEntropy",
    "allow_checkpoint_classes",
    "replace_dropout",
]

allow_checkpoint_classes()
