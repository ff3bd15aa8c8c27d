"""Text from LLMs: every answer asked once, paid once, accounted for.

Layers, each knowing only those before it:

* :mod:`llm.calls` - what is asked and what comes back; :mod:`llm.prices`, :mod:`llm.tokens` - what it costs
* :mod:`llm.journal` - the SQLite file in which every attempt and every answer stands before it is used
* :mod:`llm.providers` - one module a provider: bodies, clients, answers, batches
* :mod:`llm.prompts`, :mod:`llm.answers.outcomes`, :mod:`llm.asking.dialogue` - from a source to its calls, and from
  answers to a target
* :mod:`llm.asking.pace`, :mod:`llm.asking.online`, :mod:`llm.asking.batches.executor` - how calls are carried out
"""
