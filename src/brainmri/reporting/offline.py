"""DVC's page of charts without a network: Vega's scripts inside the page instead of a link to them."""

import subprocess
from pathlib import Path
from typing import Final

import vl_convert

from brainmri.errors import BadInput
from brainmri.replacement import replacing_file

TEMPLATE: Final = Path(".dvc") / "plots.html"
# The Vega-Lite of DVC's templates.
_VEGA_LITE: Final = "5."
_SNIPPET: Final = "window.vegaEmbed = vegaEmbed; window.vegaLite = vegaLite; window.vega = vega;"
_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>DVC plots</title>
<script>
%s
</script>
<style>
body { font-family: sans-serif; margin: 1.5em; }
table { border-spacing: 15px; }
img { max-width: 100%%; }
</style>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def set_up_offline_plots() -> Path:
    """Writes the template and names it in `.dvc/config.local`, which git doesn't track; for `make install`.

    Raises `BadInput` outside of a DVC repository's root.
    """
    if not Path(".dvc").is_dir():
        raise BadInput("offline: expected a folder .dvc here, came none; run it at the checkout's root")
    with replacing_file(TEMPLATE) as aside:
        aside.write_text(make_page(), encoding="utf-8")
    command = ["dvc", "config", "--local", "plots.html_template", TEMPLATE.name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BadInput(f"offline: `{' '.join(command)}` failed: {' '.join(done.stderr.split())}")
    return TEMPLATE


def make_page() -> str:
    """The template, with the scripts that vl-convert's wheel carries (0.9 MB)."""
    version = max(
        (name for name in vl_convert.get_vegalite_versions() if name.startswith(_VEGA_LITE)), key=_number
    )
    bundle = vl_convert.javascript_bundle(_SNIPPET, version)
    return _PAGE % bundle.replace("</script", "<\\/script")


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
