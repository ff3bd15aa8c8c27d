"""Text from LLMs: every answer asked once, paid once, accounted for.

Rooms, each of which imports only those before it:

* :mod:`llm.calls`, :mod:`llm.settings`, :mod:`llm.prices`, :mod:`llm.tokens`, :mod:`llm.prompts`: what is asked, what
  comes back and what it costs
* :mod:`llm.providers`: one module for each provider, with its bodies, clients, answers, batches and fine-tuning
* :mod:`llm.journal`: the SQLite file that holds every attempt and every answer before it is used
* :mod:`llm.answers`: what an answer is worth
* :mod:`llm.asking`: from a source to its calls, from answers to a target, and how calls are carried out
* :mod:`llm.tuning`: fine-tuning at a provider
* :mod:`llm.accounts`: what asking will cost, and the tool for people
* :mod:`llm.session` and the scripts: one job from its command line to its ledger
"""
