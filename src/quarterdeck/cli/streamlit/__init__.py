"""`quarterdeck streamlit`: `command.py` starts Streamlit, which runs `page.py` for every visitor."""
