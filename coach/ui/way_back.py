"""The way back from one of a page's things to all of them: a button, and the page's own link in the side bar."""

from __future__ import annotations

import streamlit as st

# Streamlit's link to the page that is open does nothing; whoever presses it means the list.
_LINK_GOES_BACK = """<div class="coach-unseen"><script>
(() => {
  const links = [...document.querySelectorAll('[data-testid="stSidebarNavLink"]')];
  const own = links.find((link) => link.pathname === location.pathname);
  if (!own || own.dataset.goesBack) return;
  own.dataset.goesBack = "yes";
  own.addEventListener("click", (event) => {
    const back = document.querySelector(".st-key-way_back button");
    if (!back) return;
    event.preventDefault();
    event.stopPropagation();
    back.click();
  }, true);
})();
</script></div>"""


def draw_way_back(label: str) -> None:
    """A button named `label` that leaves what the page's address names."""
    st.button(label, key="way_back", icon=":material/arrow_back:", on_click=st.query_params.clear)
    st.html(_LINK_GOES_BACK, unsafe_allow_javascript=True)
