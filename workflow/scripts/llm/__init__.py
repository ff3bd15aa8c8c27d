"""Text from LLMs: every answer asked once, paid once, accounted for.

Layers, each knowing only those before it:

* :mod:`llm.calls` - what is asked and what comes back; :mod:`llm.prices`, :mod:`llm.tokens` - what it costs
* :mod:`llm.journal` - the SQLite file in which every attempt and every answer stands before it is used
* :mod:`llm.apis` - one module a provider: bodies, clients, answers, batches
* :mod:`llm.prompts`, :mod:`llm.outcomes`, :mod:`llm.dialogue` - from a source to its calls and from answers to a target
* :mod:`llm.pacing`, :mod:`llm.online`, :mod:`llm.batch` - how calls are carried out
"""
