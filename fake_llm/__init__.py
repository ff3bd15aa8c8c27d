"""A fake LLM provider on a real port: OpenAI's and Anthropic's protocols, deterministic answers, faults on request.

Start it with ``python -m fake_llm --port 8123`` in the top folder; README.md in this folder is its manual.
"""
