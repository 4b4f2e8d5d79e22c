"""The part `generator` of the section `pretrain` of params.yaml."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from brainmri.params import Section

Share = Annotated[float, Field(ge=0, le=1, description="a share from 0 to 1")]


class WideParams(Section):
    """How wide phantoms are drawn; each rate below 1 thins out what its name says, 0 leaves it away.

    What nearly all heads and scanners have stays: venous sinuses, vessels, noise, up to half a pixel of blur.
    `coronal` and `sagittal` are shares of the pictures (the rest is axial).
    """

    tumor_fraction: Share
    coronal: Share
    sagittal: Share
    stripped: Share
    radius_min_mm: Annotated[float, Field(ge=3, le=60, description="3 to 60 mm")]
    radius_max_mm: Annotated[float, Field(ge=3, le=60, description="3 to 60 mm")]
    lookalikes: Share
    marks: Share
    degradation: Share

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.radius_min_mm > self.radius_max_mm:
            raise ValueError(
                f"expected radius_min_mm up to radius_max_mm, came {self.radius_min_mm} and "
                f"{self.radius_max_mm}; swap or correct them"
            )
        if self.coronal + self.sagittal > 1:
            raise ValueError(
                f"expected coronal and sagittal to add up to 1 at most, came {self.coronal} and "
                f"{self.sagittal}; lower one"
            )
        return self
