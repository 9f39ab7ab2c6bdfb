"""How a vision tower takes an image: whole, or as the patches that its processor cuts.

Each form answers two questions about one pass: how pixels are arranged for it (preprocessing, and
not timed), and which constants go with them (sizes, masks). Rules were read in the image
processors of huggingface/transformers, which each class names.
"""

from __future__ import annotations

from typing import Any

import torch

from paretobench.domain import EncoderInput
from paretobench.errors import UnsupportedError


class Form:
    """One pass's input of a tower.

    Args:
        config: transformers' configuration of the whole model.
        seen: the input of one pass.
    """

    def __init__(self, config: Any, seen: EncoderInput) -> None:
        self.config = config
        self.vision = config.vision_config
        self.seen = seen

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        patch = self.vision.patch_size
        patch = patch if isinstance(patch, int) else patch[0]
        return self.seen.height_px // patch, self.seen.width_px // patch

    def arranged(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels [1, 3, height, width] as the tower takes them."""
        raise NotImplementedError

    def constants(self) -> dict[str, torch.Tensor]:
        """What goes with them, by transformers' name."""
        return {}

    def _refuse_padding(self) -> None:
        if self.seen.padded_patches:
            raise UnsupportedError(f"this tower takes no padded patches, such as {self.seen.size}")


class Whole(Form):
    """Whole images: InternVL, Gemma 3; SmolVLM with a list of images for each text."""

    def arranged(self, pixels: torch.Tensor) -> torch.Tensor:
        """See `Form`."""
        self._refuse_padding()
        return pixels.unsqueeze(1) if self.config.model_type == "smolvlm" else pixels


class Sized(Whole):
    """Whole images with their sizes beside them: Pixtral and Mistral 3."""

    def constants(self) -> dict[str, torch.Tensor]:
        """See `Form`."""
        return {"image_sizes": torch.tensor([[self.seen.height_px, self.seen.width_px]])}


class Packed(Form):
    """Patches in one row, those that merge beside one another, each frame twice.

    `models/qwen2_vl/image_processing_qwen2_vl.py`: Qwen2-VL and after.
    """

    def arranged(self, pixels: torch.Tensor) -> torch.Tensor:
        """See `Form`."""
        self._refuse_padding()
        (rows, columns), patch = self.grid, self.vision.patch_size
        merge, frames = self.vision.spatial_merge_size, self.vision.temporal_patch_size
        cut = pixels.unflatten(3, (columns // merge, merge, patch))
        cut = cut.unflatten(2, (rows // merge, merge, patch))
        # image, row, column, row in it, column in it, channel, pixel row, pixel column
        cut = cut.permute(0, 2, 5, 3, 6, 1, 4, 7)
        doubled = cut.unsqueeze(6).expand(*[-1] * 6, frames, -1, -1)
        return doubled.flatten(5).flatten(0, 4)

    def constants(self) -> dict[str, torch.Tensor]:
        """See `Form`."""
        return {"image_grid_thw": torch.tensor([[1, *self.grid]])}


class Padded(Form):
    """Rows of patches, padded to a fixed number, with a mask: SigLIP 2 NaFlex in LFM2-VL.

    `models/lfm2_vl/image_processing_lfm2_vl.py` (`convert_image_to_patches`).
    """

    def arranged(self, pixels: torch.Tensor) -> torch.Tensor:
        """See `Form`."""
        patch = self.vision.patch_size
        cut = pixels.unfold(2, patch, patch).unfold(3, patch, patch)
        # image, row, column, pixel row, pixel column, channel
        patches = cut.permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(1, 2)
        return torch.nn.functional.pad(patches, (0, 0, 0, self._length - patches.shape[1]))

    def constants(self) -> dict[str, torch.Tensor]:
        """See `Form`."""
        rows, columns = self.grid
        mask = torch.arange(self._length) < rows * columns
        return {
            "spatial_shapes": torch.tensor([[rows, columns]]),
            "pixel_attention_mask": mask.long().unsqueeze(0),
        }

    @property
    def _length(self) -> int:
        rows, columns = self.grid
        return max(self.seen.padded_patches, rows * columns)
