"""DVC's pages of charts load nothing from anywhere."""

import re
import subprocess
from pathlib import Path

import pytest

from brainmri.errors import BadInput
from brainmri.reporting.offline import make_page, set_up_offline_plots


def test_a_page_of_dvc_s_carries_its_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    for command in (["git", "init", "-q"], ["dvc", "init", "-q"]):
        subprocess.run(command, check=True)
    (tmp_path / "loss.csv").write_text("epoch,loss\n0,1\n1,0.5\n")
    set_up_offline_plots()
    subprocess.run(
        ["dvc", "plots", "show", "loss.csv", "-x", "epoch", "-y", "loss", "-o", "page"], check=True
    )
    page = (tmp_path / "page" / "index.html").read_text()
    assert "window.vegaEmbed" in page
    assert "vegaEmbed(" in page
    around = page.replace(page[page.index("<script>") : page.index("</script>")], "")
    assert not re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=", around)
    assert "plots.html" in (tmp_path / ".dvc" / "config.local").read_text()


def test_the_scripts_can_t_end_their_element() -> None:
    page = make_page()
    assert 1 == page.count("</script")
    assert all(1 == page.count(name) for name in ("{plot_divs}", "{refresh_tag}"))
    assert "{scripts}" not in page


def test_outside_of_a_repository_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=r"expected a folder \.dvc here"):
        set_up_offline_plots()
