"""The section `phantom` of params.yaml."""

from typing import Self

from pydantic import Field, model_validator

from brainmri.params import Section


class PhantomParams(Section):
    """How many patients, how large the pictures, and how hard the tumors are to see.

    Radii, contrasts, look-alikes and noise set the difficulty: smaller and fainter tumors, more
    look-alikes without a tumor and more noise make it harder. Radii are of a tumor with one focus; of
    several the main one has 0.8 of that, the others are smaller ones from 4 mm.
    """

    patients: int = Field(ge=1, le=9999, description="a number of patients, 1 to 9999")
    slices_per_patient: int = Field(ge=1, le=20, description="a number of slices, 1 to 20")
    tumor_fraction: float = Field(ge=0, le=1, description="the share of patients with a tumor, 0 to 1")
    size_px: int = Field(
        ge=64, le=512, multiple_of=8, description="a picture's edge in pixels, 64 to 512, a multiple of 8"
    )
    seed: int = Field(ge=0, description="a whole number from 0")
    tumor_radius_min_mm: float = Field(ge=3, le=40, description="the smallest tumor's radius, 3 to 40 mm")
    tumor_radius_max_mm: float = Field(ge=3, le=40, description="the largest tumor's radius, 3 to 40 mm")
    tumor_area_min_mm2: float = Field(
        gt=0, le=500, description="the smallest area that counts as tumor in a slice, over 0 to 500 mm²"
    )
    tumor_contrast_min: float = Field(ge=0, le=1.5, description="the faintest tumor's contrast, 0 to 1.5")
    tumor_contrast_max: float = Field(ge=0, le=1.5, description="the clearest tumor's contrast, 0 to 1.5")
    lookalikes_with_tumor: float = Field(
        ge=0, le=1, description="the share of tumor patients that may have look-alikes too, 0 to 1"
    )
    lookalikes_without_tumor: float = Field(
        ge=0, le=1, description="the share of tumor-free patients that may have look-alikes, 0 to 1"
    )
    noise_max: float = Field(
        ge=0, le=0.5, description="the noisiest scan's noise as a share of white, 0 to 0.5"
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        for name, low, high in (
            ("tumor_radius_{}_mm", self.tumor_radius_min_mm, self.tumor_radius_max_mm),
            ("tumor_contrast_{}", self.tumor_contrast_min, self.tumor_contrast_max),
        ):
            if low > high:
                raise ValueError(
                    f"expected {name.format('min')} up to {name.format('max')}, came {low} and {high}; "
                    "swap or correct them"
                )
        return self
