"""The way back from one of a page's things to all of them: a button, and the page's own link in the side bar."""

from __future__ import annotations

import streamlit as st

# Streamlit's link to the page that is open does nothing; whoever presses it means the list. The document listens, not
# the link: Streamlit may draw the side bar anew after this ran.
_LINK_GOES_BACK = """<div class="coach-unseen"><script>
(() => {
  if (window.coachLinkGoesBack) return;
  window.coachLinkGoesBack = true;
  document.addEventListener("click", (event) => {
    const link = event.target.closest('[data-testid="stSidebarNavLink"]');
    const back = document.querySelector(".st-key-way_back button");
    if (!link || !back || link.pathname !== location.pathname) return;
    event.preventDefault();
    event.stopPropagation();
    back.click();
  }, true);
})();
</script></div>"""


def draw_way_back(label: str) -> None:
    """A button named `label` that leaves what the page's address names."""
    st.html(_LINK_GOES_BACK, unsafe_allow_javascript=True)
    st.button(label, key="way_back", icon=":material/arrow_back:", on_click=st.query_params.clear)
