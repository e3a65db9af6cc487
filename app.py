"""The coach in the browser: `streamlit run app.py`, or `coach serve`."""

import streamlit as st

from coach.ui.components import FAVICON, draw_stylesheet

st.set_page_config(page_title="GenAI PM Coach", page_icon=FAVICON, layout="centered")
draw_stylesheet()

st.navigation(
    [
        st.Page("coach/ui/pages/ask.py", title="Ask", icon=":material/forum:", default=True),
        st.Page("coach/ui/pages/critique.py", title="Critique", icon=":material/rate_review:"),
        st.Page("coach/ui/pages/interview.py", title="Interview", icon=":material/record_voice_over:"),
        st.Page("coach/ui/pages/progress.py", title="Progress", icon=":material/trending_up:"),
        st.Page("coach/ui/pages/learn.py", title="Learn", icon=":material/school:"),
        st.Page("coach/ui/pages/library.py", title="Library", icon=":material/menu_book:"),
        st.Page("coach/ui/pages/lab.py", title="Lab", icon=":material/science:"),
        st.Page("coach/ui/pages/settings.py", title="Settings", icon=":material/settings:"),
    ]
).run()
