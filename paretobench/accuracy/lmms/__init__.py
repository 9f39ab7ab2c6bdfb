"""Scores from lmms-eval: run it on a checkpoint, or read what it left behind.

    runner      the parent: one child process per checkpoint, one result folder per task
    child       the child: runs inside an interpreter that has lmms-eval
    plugin      the model that the child gives to lmms-eval
    results     result files of every lmms-eval layout, as task results
    vlmevalkit  the same for VLMEvalKit's files
    answers     LLaVA's rules for one answer
    scoring     task results to scores: protocols, standard errors, suites
    placing     which grid point a result belongs to
    race        scoring many configurations in stages, dropping the surely dominated

Only `child` and `plugin` import lmms-eval, torch or transformers, and only in the child
process.
"""
