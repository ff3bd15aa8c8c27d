"""A fake LLM provider on a real port: OpenAI's and Anthropic's protocols, deterministic answers, switchable faults.

``python -m fake_llm --port 8123`` with ``PYTHONPATH=tests`` starts it; README.md beside this file says the rest.
"""
