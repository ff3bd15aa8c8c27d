"""Faster training of small transformers: a fairseq ``--user-dir`` module.

``fairseq-train --user-dir workflow/scripts/train/fairseq_fast`` gains

* ``--criterion fused_label_smoothed_cross_entropy``, the stock loss with less work
  (:mod:`.criterion`), and the switches ``--autocast``, ``--matmul-precision`` and
  ``--fast-dropout``;
* ``--optimizer fused_adamw``, AdamW in one kernel (:mod:`.optimizer`);
* checkpoints that torch >= 2.6 agrees to load.

Neither the model nor the task is changed: a checkpoint says ``--task translation --arch
transformer...`` and is read by ``fairseq-generate`` and by CTranslate2's ``FairseqConverter``
like any other.
"""

import argparse

import torch

from .criterion import FusedLabelSmoothedCrossEntropy
from .dropout import ByteDropout, replace_dropout
from .optimizer import FusedAdamW

__all__ = ["ByteDropout", "FusedAdamW", "FusedLabelSmoothedCrossEntropy", "replace_dropout"]

# fairseq calls torch.load without weights_only. Since torch 2.6 that refuses every class that is not allowed by name,
# because a checkpoint is a pickle and may run any code. Besides tensors and plain containers a transformer's checkpoint
# holds one class, the parsed command line. Allowing it is harmless; TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD would allow all.
torch.serialization.add_safe_globals([argparse.Namespace])
