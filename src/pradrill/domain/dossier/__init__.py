"""The dossier of a period: every attempt, what is proved by them, and what is not.

Pure: records, findings, schedule, plan and today's files go in, one value comes out. `build.py`
is the pass over it all; each other module holds one question and its answer.
"""
