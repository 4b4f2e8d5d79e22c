"""What has to stand wherever something made from the MNI152 templates is handed on."""

from typing import Final

# The quoted words are McGill University's license of the ICBM 152 nonlinear atlases of 2009 and stay as they
# are (TemplateFlow has it beside tpl-MNI152NLin2009cAsym; nilearn, whose wheel has them, says "unknown").
TEMPLATES_NOTICE: Final = """\
The synthetic MRI is drawn from the MNI152 templates, ICBM 2009a nonlinear symmetric, as nilearn carries
them (Fonov et al. 2011, doi:10.1016/j.neuroimage.2010.07.033; Fonov et al. 2009,
doi:10.1016/S1053-8119(09)70884-5; Collins et al. 1999):

> Copyright (C) 1993–2004 Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological Institute,
> McGill University. Permission to use, copy, modify, and distribute this software and its documentation
> for any purpose and without fee is hereby granted, provided that the above copyright notice appear in
> all copies. The authors and McGill University make no representations about the suitability of this
> software for any purpose. It is provided "as is" without express or implied warranty. The authors are
> not responsible for any data loss, equipment damage, property loss, or injury to subjects or patients
> resulting from the use or misuse of this software package.
"""
